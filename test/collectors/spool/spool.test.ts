import assert from "node:assert/strict";
import type { Batch } from "../../../collectors/spool/batch.ts";
import type { Position } from "../../../collectors/spool/position.ts";
import { Spool, type SpoolOptions } from "../../../collectors/spool/spool.ts";
import type { RawFlow } from "../../../core/records/flow.ts";
import { rawDns } from "../../support/dns-record.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { rawFlow } from "../../support/flows.ts";
import { MemoryDisk } from "./memory-disk.ts";

const folder = "/spool";
const large = 16 * 1024 * 1024;

interface Run {
  readonly spool: Spool;
  readonly lost: { count: number; detail: string }[];
  readonly trouble: (string | null)[];
  /** Appends so many flows; their numbers go on. */
  add(count: number, over?: Partial<RawFlow>): void;
  /** The numbers, as epoch:seq, of all that is there behind what is acked. */
  rest(): readonly string[];
}

/** A run of a collector's spool on a disk. */
function run(disk: MemoryDisk, clock: FakeClock, over: Partial<SpoolOptions> = {}): Run {
  const lost: Run["lost"] = [];
  const trouble: Run["trouble"] = [];
  const spool = Spool.open({
    ...{ folder, cluster: "c", node: "n", maxBytes: large, maxAgeMs: 86_400_000, syncMs: 1000, clock, disk },
    onLoss: (count, _span, detail) => lost.push({ count, detail }),
    onTrouble: (text) => trouble.push(text),
    ...over,
  });
  let seq = 0;
  return {
    spool,
    lost,
    trouble,
    add: (count, flow = {}) => {
      const flows = Array.from({ length: count }, () =>
        rawFlow({ cluster: "c", node: "n", epoch: spool.epoch, seq: seq++, ...flow }),
      );
      spool.append({ flows, losses: [], heartbeats: [] });
    },
    rest: () => restOf(spool),
  };
}

function restOf(spool: Spool, from = spool.acked): readonly string[] {
  const found: string[] = [];
  let after: Position = from;
  for (let read = spool.read(after, 7); read !== undefined; read = spool.read(after, 7)) {
    found.push(...recordsOf(read.batch).map(({ epoch, seq }) => `${epoch}:${seq}`));
    after = read.last;
  }
  return found;
}

function recordsOf({ flows, losses, heartbeats }: Batch) {
  return [...flows, ...losses, ...heartbeats];
}

function numbers(epoch: number, from: number, to: number): readonly string[] {
  return Array.from({ length: to - from }, (_, index) => `${epoch}:${from + index}`);
}

const segmentsOf = (disk: MemoryDisk) => [...disk.files.keys()].filter((path) => path.endsWith(".spool"));

describe("what is in the spool", () => {
  it("comes back from the next run as it was, in order", () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const first = run(disk, clock);
    first.add(20, { reason: "x", inInterface: "eth0" });
    const second = run(disk, clock);
    second.add(3);
    assert.deepEqual(second.rest(), [...numbers(first.spool.epoch, 0, 20), ...numbers(second.spool.epoch, 0, 3)]);
    assert.ok(second.spool.epoch > first.spool.epoch, "also if the clock stands still");
    const read = run(disk, clock).spool.read({ epoch: 0, seq: -1 }, 1);
    const expected = rawFlow({
      cluster: "c",
      node: "n",
      epoch: first.spool.epoch,
      seq: 0,
      reason: "x",
      inInterface: "eth0",
    });
    assert.deepEqual(read?.batch.flows, [expected]);
  });

  it("may be of DNS, between flows and losses in the order of numbers", () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const { spool } = run(disk, clock);
    const numbered = { cluster: "c", node: "n", epoch: spool.epoch };
    const dns = [rawDns({ ...numbered, seq: 1 }), rawDns({ ...numbered, seq: 2, rcode: null, answers: [] })];
    spool.append({
      flows: [rawFlow({ ...numbered, seq: 0, destinationDomain: "a.example" })],
      dns,
      losses: [],
      heartbeats: [],
    });
    const read = run(disk, clock).spool.read({ epoch: 0, seq: -1 }, 10);
    assert.deepEqual(read?.batch.dns, dns);
    assert.deepEqual(
      read.batch.flows.map(({ destinationDomain }) => destinationDomain),
      ["a.example"],
    );
    assert.deepEqual(read.last, { epoch: spool.epoch, seq: 2 });
  });

  it("is read on while it is written", () => {
    const { spool, add } = run(new MemoryDisk(), new FakeClock());
    add(3);
    const first = spool.read({ epoch: 0, seq: -1 }, 10);
    assert.equal(first?.batch.flows.length, 3);
    assert.equal(spool.read(first.last, 10), undefined);
    add(2);
    assert.deepEqual(
      spool.read(first.last, 10)?.batch.flows.map(({ seq }) => seq),
      [3, 4],
    );
  });

  it("does not come again once it is acked and that was saved", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const first = run(disk, clock);
    first.add(20);
    first.spool.ack({ epoch: first.spool.epoch, seq: 11 });
    await clock.advance(1000);
    first.spool.tend();
    assert.deepEqual(run(disk, clock).rest(), numbers(first.spool.epoch, 12, 20));
  });

  it("is removed by whole segments once it is acked and open connections are remembered", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const { spool, add } = run(disk, clock, { maxBytes: 1_048_576 });
    for (let round = 0; round < 10; round++) add(600);
    const before = segmentsOf(disk).length;
    assert.ok(before >= 10 && spool.standingDue);
    spool.saveStanding([]);
    spool.ack({ epoch: spool.epoch, seq: 5_999 });
    await clock.advance(1000);
    spool.tend();
    assert.ok(segmentsOf(disk).length <= 1);
    add(1);
    assert.deepEqual(restOf(spool), [`${spool.epoch}:6000`]);
  });

  it("tells of connections that may go on, by segments and by what was remembered of those removed", () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const first = run(disk, clock);
    first.add(1, { connection: 1, totalPackets: 3 });
    first.add(1, { connection: 2 });
    first.spool.saveStanding([rawFlow({ connection: 1, totalPackets: 3 }), rawFlow({ connection: 2 })]);
    first.add(1, { connection: 1, totalPackets: 5 });
    first.add(1, { connection: 2, state: "closed" });
    const { standing, orderly } = run(disk, clock).spool.recovered;
    assert.deepEqual(
      [...standing.open.values()].map(({ connection, totalPackets }) => [connection, totalPackets]),
      [[1, 5]],
    );
    assert.equal(orderly, false);
  });

  it("says whether the last run ended in order", () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const first = run(disk, clock);
    assert.equal(first.spool.recovered.orderly, true);
    first.add(3);
    first.spool.close([]);
    const second = run(disk, clock);
    assert.equal(second.spool.recovered.orderly, true);
    assert.deepEqual(second.rest(), numbers(first.spool.epoch, 0, 3));
    second.add(1);
    assert.equal(run(disk, clock).spool.recovered.orderly, false);
    assert.equal(second.lost.length, 0);
  });

  it("of another version is refused before anything is changed", () => {
    const disk = new MemoryDisk();
    run(disk, new FakeClock()).add(1);
    const [path = ""] = segmentsOf(disk);
    disk.files.get(path)?.writeUInt16LE(2, 4);
    const before = new Map(disk.files);
    assert.throws(() => run(disk, new FakeClock()), { code: "DATA_VERSION" });
    assert.deepEqual(disk.files, before);
  });
});

describe("up to where a run told all it saw", () => {
  it("is when the last window ended that was told, also when the segment that said so is removed", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const { spool, add } = run(disk, clock, { maxBytes: 1_048_576 });
    assert.equal(run(new MemoryDisk(new Map(disk.files)), clock).spool.recovered.toldUpTo, spool.epoch * 1000);
    add(1);
    spool.windowTold(7_000_000);
    for (let round = 0; round < 10; round++) add(600);
    assert.equal(run(new MemoryDisk(new Map(disk.files)), clock).spool.recovered.toldUpTo, 7_000_000);
    spool.saveStanding([]);
    spool.ack({ epoch: spool.epoch, seq: 6_000 });
    await clock.advance(1000);
    spool.tend();
    assert.ok(segmentsOf(disk).length <= 1);
    add(1);
    assert.equal(run(disk, clock).spool.recovered.toldUpTo, 7_000_000);
  });
});

describe("a run that ends in order", () => {
  it("is known to have done so although older records wait for the next", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const first = run(disk, clock, { maxAgeMs: 16_000 });
    first.add(3);
    await clock.advance(2_000); // a segment's age: the end stands in one of its own, which holds no record
    first.spool.append({ flows: [], losses: [], heartbeats: [] });
    first.spool.close([]);
    assert.equal(segmentsOf(disk).length, 2);
    const second = run(disk, clock);
    assert.equal(second.spool.recovered.orderly, true);
    assert.deepEqual(second.rest(), numbers(first.spool.epoch, 0, 3));
  });
});

describe("a damaged spool", function () {
  this.timeout(60_000);
  const made = () => {
    const disk = new MemoryDisk();
    const { add, spool } = run(disk, new FakeClock());
    add(6);
    const [path = ""] = segmentsOf(disk);
    return { disk, path, bytes: disk.files.get(path) as Buffer, epoch: spool.epoch };
  };

  it("cut at any byte gives what was complete before it, and never fails", () => {
    const { path, bytes, epoch } = made();
    let most = 0;
    for (let length = 0; length <= bytes.length; length++) {
      const rest = run(new MemoryDisk(new Map([[path, bytes.subarray(0, length)]])), new FakeClock()).rest();
      assert.deepEqual(rest, numbers(epoch, 0, rest.length));
      assert.ok(rest.length >= most && rest.length <= 6);
      most = rest.length;
    }
    assert.equal(most, 6);
  });

  it("with any byte changed gives a part of what was written, and a loss where a number is missing between others", () => {
    const { path, bytes, epoch } = made();
    const all = numbers(epoch, 0, 6);
    for (let at = 0; at < bytes.length; at++) {
      if (at === 4 || at === 5) continue; // another version: refused
      const changed = Buffer.from(bytes);
      changed[at] = (bytes[at] as number) ^ 0x5a;
      const under = run(new MemoryDisk(new Map([[path, changed]])), new FakeClock());
      const rest = restOf(under.spool, { epoch, seq: -1 });
      assert.ok(rest.every((number) => all.includes(number)));
      const lastSeen = Number(rest.at(-1)?.split(":")[1] ?? -1);
      const told = under.lost.reduce((sum, { count }) => sum + count, 0);
      assert.equal(told, rest.length === 0 ? 0 : lastSeen + 1 - rest.length);
    }
  });

  it("without one of its segments tells exactly how many records are missing", () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const first = run(disk, clock, { maxBytes: 1_048_576 });
    for (let round = 0; round < 3; round++) first.add(600);
    disk.files.delete(segmentsOf(disk)[1] ?? "");
    const second = run(disk, clock);
    const rest = second.rest();
    assert.equal(rest.length + (second.lost[0]?.count ?? 0), 1800);
    assert.equal(second.lost.length, 1);
  });
});

describe("a spool at its bounds", () => {
  it("drops the oldest records that nobody holds, and says exactly how many, once", () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const first = run(disk, clock, { maxBytes: 1_048_576 });
    for (let round = 0; round < 50; round++) first.add(500);
    const bytes = [...disk.files.values()].reduce((sum, { length }) => sum + length, 0);
    assert.ok(bytes <= 1_048_576, `${bytes} bytes`);
    const lost = () => first.lost.reduce((sum, { count }) => sum + count, 0);
    const rest = restOf(first.spool, { epoch: first.spool.epoch, seq: -1 });
    assert.equal(rest.length + lost(), 25_000);
    assert.deepEqual(rest, numbers(first.spool.epoch, lost(), 25_000));
  });

  it("does not drop what was handed out", () => {
    const { spool, add, lost } = run(new MemoryDisk(), new FakeClock(), { maxBytes: 1_048_576 });
    add(500);
    const handedOut = spool.read({ epoch: 0, seq: -1 }, 10);
    for (let round = 0; round < 50; round++) add(500);
    assert.deepEqual(restOf(spool, handedOut?.last).slice(0, 490), numbers(spool.epoch, 10, 500));
    assert.ok(lost.length > 0);
  });

  it("drops what waited too long", async () => {
    const clock = new FakeClock();
    const disk = new MemoryDisk();
    const { spool, add, lost } = run(disk, clock, { maxAgeMs: 60_000 });
    add(10);
    await clock.advance(5_000);
    add(10);
    await clock.advance(61_000);
    add(10);
    spool.tend();
    assert.deepEqual(
      lost.map(({ count }) => count),
      [20],
    );
    assert.deepEqual(restOf(spool, { epoch: spool.epoch, seq: -1 }), numbers(spool.epoch, 20, 30));
  });
});

describe("a spool on a disk that refuses", () => {
  it("is full: records wait in memory, are handed out from there, and are written when there is room", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const { spool, add, trouble } = run(disk, clock);
    add(3);
    disk.capacity = [...disk.files.values()].reduce((sum, { length }) => sum + length, 0) + 100;
    add(4);
    assert.deepEqual(restOf(spool), numbers(spool.epoch, 0, 7));
    disk.capacity = Number.POSITIVE_INFINITY;
    await clock.advance(2000);
    spool.tend();
    add(1);
    assert.deepEqual(run(disk, clock).rest(), numbers(spool.epoch, 0, 8));
    assert.deepEqual(trouble, ["ENOSPC: no space left on device", null]);
  });

  it("has room no more when memory is full as well, and again once the disk has", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const { spool, add } = run(disk, clock, { memoryBytes: 10_000 });
    disk.capacity = 0;
    while (spool.hasRoom) add(10);
    disk.capacity = Number.POSITIVE_INFINITY;
    await clock.advance(2000);
    spool.tend();
    assert.equal(spool.hasRoom, true);
    assert.ok(restOf(spool).length >= 70);
  });

  it("that is full of its own records makes room by itself, once they are acked", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock();
    const { spool, add, trouble, lost } = run(disk, clock, { memoryBytes: 10_000 });
    disk.capacity = 1_000_000;
    let count = 0;
    for (; spool.hasRoom; count += 10) add(10);
    assert.ok(trouble.length === 1);
    spool.read({ epoch: 0, seq: -1 }, count);
    spool.ack({ epoch: spool.epoch, seq: count - 1 });
    for (let passed = 0; passed < 3; passed++) {
      await clock.advance(1000);
      spool.tend();
      if (spool.standingDue) spool.saveStanding([rawFlow({ connection: 1 })]);
    }
    add(10);
    const next = run(disk, clock);
    assert.deepEqual(next.rest(), numbers(spool.epoch, count, count + 10));
    assert.equal(next.spool.recovered.standing.open.size, 1);
    assert.deepEqual([trouble.at(-1), lost, next.lost], [null, [], []]);
  });

  /** A life with everything in it: append, read, ack, roll, trim, close. */
  async function life(
    disk: MemoryDisk,
    clock: FakeClock,
  ): Promise<{ readonly epoch: number; readonly seen: Set<string> }> {
    const { spool, add } = run(disk, clock, { maxBytes: 1_048_576 });
    const seen = new Set<string>();
    for (let round = 0; round < 4; round++) {
      add(600);
      if (spool.standingDue) spool.saveStanding([rawFlow()]);
      for (const number of restOf(spool)) seen.add(number);
      if (seen.size > 700) spool.ack({ epoch: spool.epoch, seq: 700 });
      await clock.advance(2000);
      spool.tend();
    }
    spool.close([rawFlow()]);
    return { epoch: spool.epoch, seen };
  }

  /** Whether the disk answers at once what it was asked to do later, or when it comes to it. */
  const answers: [string, MemoryDisk["later"]][] = [
    ["at once", (answer) => answer()],
    ["later", (answer) => void setImmediate(answer)],
    ["not before the end", () => {}],
  ];
  const diskThat = (later: MemoryDisk["later"]) => Object.assign(new MemoryDisk(), { later });

  for (const [when, later] of answers)
    it(`fails any one call: nothing is lost and nothing throws; it answers ${when}`, async () => {
      const counting = diskThat(later);
      await life(counting, new FakeClock());
      const total = counting.calls;
      for (let failing = 1; failing <= total; failing++) {
        const disk = diskThat(later);
        const clock = new FakeClock();
        disk.failing = (_call, number) => number === failing;
        const lived = await life(disk, clock).catch((thrown: { code?: string }) => {
          assert.equal(thrown.code, "STORE_FAILED", String(thrown));
        });
        if (lived === undefined) continue; // it did not open, and said so
        const after = run(disk, clock);
        const found = new Set([...lived.seen, ...after.rest()]);
        for (const number of numbers(lived.epoch, 0, 2400)) assert.ok(found.has(number), `${number}, call ${failing}`);
        after.spool.close([]);
      }
    }).timeout(30_000);

  for (const [when, later] of answers)
    it(`dies at any call: the next run has all that was written, in order; it answers ${when}`, async () => {
      const counting = diskThat(later);
      await life(counting, new FakeClock());
      for (let died = 1; died <= counting.calls; died++) {
        const disk = diskThat(later);
        const clock = new FakeClock();
        disk.failing = (_call, number) => number >= died;
        await life(disk, clock).catch(() => {});
        disk.failing = () => false;
        const { rest, lost } = run(disk, clock);
        const seqs = rest().map((number) => Number(number.split(":")[1]));
        assert.deepEqual(
          seqs,
          seqs.map((_, index) => (seqs[0] ?? 0) + index),
          `call ${died}`,
        );
        assert.ok((seqs[0] ?? 0) <= 701 && lost.length === 0, `call ${died}`);
      }
    }).timeout(30_000);
});

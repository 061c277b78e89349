import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collector, type CollectorOptions } from "../../collectors/collector.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import type { Source } from "../../core/pipeline.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import { LoadLab } from "../bench/load-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";

/** A reader that can be made to wait: then it takes nothing and acks nothing. */
class Reader {
  readonly flows: RawFlow[] = [];
  readonly losses: Loss[] = [];
  readonly heartbeats: Heartbeat[] = [];
  #going = Promise.withResolvers<void>();

  constructor(stalled: boolean) {
    if (!stalled) this.goOn();
  }

  goOn(): void {
    this.#going.resolve();
  }

  async read(collector: Collector): Promise<void> {
    const gather = async <T>(source: Source<T>, into: T[]) => {
      for await (const { items, ack } of source.open(new AbortController().signal)) {
        await this.#going.promise;
        into.push(...items);
        await ack();
      }
    };
    await Promise.all([
      gather(collector.flows, this.flows),
      gather(collector.losses, this.losses),
      gather(collector.heartbeats, this.heartbeats),
      gather(collector.dns, []),
    ]);
  }

  get packets(): number {
    return this.flows.reduce((sum, { packets }) => sum + packets, 0);
  }

  /** The records of connections (each has a port of its own) that did not carry so many packets. */
  withOtherPackets(packets: number): readonly string[] {
    const sums = new Map<number, number>();
    for (const flow of this.flows) sums.set(flow.sourcePort, (sums.get(flow.sourcePort) ?? 0) + flow.packets);
    return this.flows
      .filter(({ sourcePort }) => sums.get(sourcePort) !== packets)
      .map(({ sourcePort, state, endReason, packets, totalPackets, startedAt, connection, start, end, seq }) =>
        JSON.stringify({ sourcePort, state, endReason, packets, totalPackets, startedAt, connection, start, end, seq }),
      );
  }

  /** Different connections told, by what makes them different. */
  get connections(): number {
    return new Set(this.flows.map((flow) => `${flow.sourcePort} ${flow.destinationPort} ${flow.startedAt}`)).size;
  }

  get closed(): number {
    return this.flows.filter(({ state }) => state === "closed").length;
  }

  lost(source: Loss["source"]): number {
    return this.losses.filter((loss) => loss.source === source).reduce((sum, { count }) => sum + (count ?? 0), 0);
  }
}

/** How long the bus stands still. SLUICE_TEST_STALL_SECONDS=60 takes a minute, and 600,000 connections. */
const stall = { seconds: Number(process.env["SLUICE_TEST_STALL_SECONDS"] ?? 4), perSecond: 10_000, mostMiB: 300 };

describe("the collector, when something is in its way", function () {
  this.timeout(120_000 + 3_000 * stall.seconds);
  const lab = new LoadLab();
  let folder: string;
  const stops: (() => Promise<void>)[] = [];

  async function start(over: Partial<CollectorOptions>, stalled = false) {
    const collector = new Collector({
      ...{ node: "n", cluster: "c", namespacePath: lab.path, windowMs: 1_000, ensureConntrack: false, log: silentLog },
      ...over,
    });
    const reader = new Reader(stalled);
    const stopping = new AbortController();
    const all = Promise.all([collector.run(stopping.signal), reader.read(collector)]);
    const stop = async () => {
      stopping.abort();
      reader.goOn();
      await all;
    };
    stops.push(stop);
    await Promise.race([collector.ready, all]);
    return { collector, reader, stop };
  }

  const spool = (maxBytes = 1 << 30) => ({
    ...{ folder: join(folder, "spool"), maxBytes, maxAgeMs: 86_400_000, syncMs: 1_000 },
  });

  needsKernel("nft", "conntrack");

  before(() => lab.up());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-faults-"));
  });

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    rmSync(folder, { recursive: true });
    lab.run(["conntrack", "-F"]);
  });

  after(() => lab.down());

  it("loses no connection to a buffer that is far too small, since the kernel tells of ends until they are heard", async () => {
    // Windows are so long that no connection is given up before its end is told.
    const { reader } = await start({ receiveBufferBytes: 8_192, windowMs: 10_000 });
    const { opened } = await lab.load(20_000, 20_000);
    await until("all packets", () => reader.packets >= 2 * opened, 60_000);
    assert.deepEqual(reader.withOtherPackets(2), []);
    assert.equal(reader.connections, opened);
    assert.ok(reader.lost("conntrack") > 0);
  });

  it("says exactly how many denials such a buffer cost", async () => {
    const { reader } = await start({ receiveBufferBytes: 8_192 });
    const { opened } = await lab.load(20_000, 5_000, 100);
    // What is lost shows at the next packet that is not.
    await lab.load(100, 1, 100);
    const denied = () =>
      reader.flows.filter(({ state }) => state === "denied").reduce((sum, { packets }) => sum + packets, 0);
    await until("all denials, told or lost", () => denied() + reader.lost("nflog") >= 2 * (opened + 1));
    assert.equal(denied() + reader.lost("nflog"), 2 * (opened + 1));
  });

  it("keeps in the spool what a bus that stands still does not take, and hands it all out later, once", async () => {
    const { reader, collector } = await start({ spool: spool(), queueRecords: 1_000 }, true);
    const before = process.memoryUsage.rss();
    const began = systemClock.monotonic();
    const { opened } = await lab.load(stall.perSecond, stall.perSecond * stall.seconds);
    await until("all events", () => (collector.counters?.conntrackEvents ?? 0) >= 2 * opened, 60_000);
    assert.ok(systemClock.monotonic() - began >= 1000 * stall.seconds);
    assert.equal(reader.flows.length, 0);
    const mib = (process.memoryUsage.rss() - before) / 2 ** 20;
    assert.ok(mib < stall.mostMiB, `${mib} MiB more than before`);
    reader.goOn();
    await until("all connections", () => reader.closed >= opened, 60_000 + 1_000 * stall.seconds);
    assert.equal(reader.closed, opened);
    assert.equal(reader.connections, opened);
    assert.deepEqual(reader.losses, []);
  });

  it("drops the oldest records of a spool that is full and is not read, and says exactly how many", async () => {
    const { reader, collector, stop } = await start({ spool: spool(2 << 20), queueRecords: 1_000 }, true);
    const { opened } = await lab.load(60_000, 300_000);
    await until("all events", () => (collector.counters?.conntrackEvents ?? 0) >= 2 * opened, 30_000);
    reader.goOn();
    await until("a heartbeat or two", () => reader.flows.length > 0);
    await stop();
    const told = [...reader.flows, ...reader.losses, ...reader.heartbeats].map(({ seq }) => seq);
    const numbered = 1 + told.reduce((last, seq) => Math.max(last, seq), 0);
    assert.equal(new Set(told).size, told.length);
    assert.ok(reader.lost("queue") > 0);
    assert.equal(told.length + reader.lost("queue"), numbered + (reader.heartbeats.at(-1)?.dropped ?? 0));
  });

  it("tells of what a full connection table threw out, and how many packets it dropped", async () => {
    lab.run(["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=600"]);
    const max = Number(lab.run(["cat", "/proc/sys/net/netfilter/nf_conntrack_max"]));
    const { reader, stop } = await start({ windowMs: 10_000 });
    const { opened } = await lab.load(60_000, max + 20_000, 0, "udp");
    await stop();
    const last = reader.heartbeats.at(-1);
    assert.ok((last?.earlyDrops ?? 0) + (last?.tableDrops ?? 0) >= 20_000);
    assert.equal(last?.tableDrops, reader.lost("conntrack"));
    assert.equal(reader.connections + (last?.tableDrops ?? 0), opened);
  });
});

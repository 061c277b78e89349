import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { isoTime } from "../../core/clock.ts";
import type { Change } from "../../core/kube/watch.ts";
import { endpointCodec } from "../../core/records/codec.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import { Enricher, type Remembered } from "../../enrichers/enrich.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawFlow, seconds } from "../support/flows.ts";
import {
  nodeObject,
  ownedBy,
  ownedObject,
  type PodParts,
  podObject,
  remove,
  synced,
  upsert,
} from "../support/objects.ts";

// Times in the tables are seconds after the start of FakeClock.
type Batches = readonly (readonly [at: number, changes: readonly Change[]])[];

const ip = "10.1.0.5";
const time = (s: number) => isoTime(1_700_000_000_000 + s * 1000);
const web = (parts: PodParts = {}) => podObject("shop/web", { uid: "1", ips: [ip], started: time(0), ...parts });
const batch = (parts: PodParts = {}) => podObject("shop/batch", { uid: "2", ips: [ip], started: time(70), ...parts });
const bare = (parts: PodParts = {}) => podObject("shop/web", { ips: [ip], ...parts });
const v = (version: string) => ({ labels: { v: version } });

const told: readonly { readonly title: string; readonly batches: Batches; readonly records: readonly string[] }[] = [
  {
    title: "a tenure is told when it begins, from the start that its object states",
    batches: [[5, [upsert(web()), synced]]],
    records: ["web 0..  {} at 5"],
  },
  {
    title: "a holder that was there before anybody watched and does not say since when began at 0",
    batches: [[5, [upsert(bare()), synced]]],
    records: ["web ?..  {} at 5"],
  },
  {
    title: "an object that comes again unchanged is not told again",
    batches: [
      [5, [upsert(web()), synced]],
      [9, [upsert(web())]],
    ],
    records: ["web 0..  {} at 5"],
  },
  {
    title: "when it ends it is told again, with its end",
    batches: [
      [5, [upsert(web(v("1"))), synced]],
      [50, [remove(web(v("1")))]],
    ],
    records: ["web 0..  {v=1} at 5", "web 0..50 {v=1} at 50"],
  },
  {
    title: "the end is that of the containers where the object says it",
    batches: [
      [5, [upsert(web()), synced]],
      [50, [remove(web({ finished: time(40) }))]],
    ],
    records: ["web 0..  {} at 5", "web 0..41 {} at 50"],
  },
  {
    title: "other labels end one stretch and begin the next",
    batches: [
      [5, [upsert(web(v("1"))), synced]],
      [20, [upsert(web(v("2")))]],
      [50, [remove(web(v("2")))]],
    ],
    records: ["web 0..  {v=1} at 5", "web 0..20 {v=1} at 20", "web 20..  {v=2} at 20", "web 20..50 {v=2} at 50"],
  },
  {
    title: "containers that ended before the labels changed leave no stretch that ends before it begins",
    batches: [
      [5, [upsert(web(v("1"))), synced]],
      [20, [upsert(web(v("2")))]],
      [50, [remove(web({ ...v("2"), finished: time(10) }))]],
    ],
    records: ["web 0..  {v=1} at 5", "web 0..20 {v=1} at 20", "web 20..  {v=2} at 20", "web 20..20 {v=2} at 50"],
  },
  {
    title: "an address that changes hands ends one pod's tenure and begins the other's",
    batches: [
      [5, [upsert(web()), synced]],
      [72, [upsert(batch()), remove(web())]],
    ],
    records: ["web 0..  {} at 5", "web 0..70 {} at 72", "batch 70..  {} at 72"],
  },
  {
    title: "a pod of the same name with another uid is another holder",
    batches: [
      [5, [upsert(web()), synced]],
      [50, [upsert(web({ uid: "9", started: time(45) }))]],
    ],
    records: ["web 0..  {} at 5", "web 0..50 {} at 50", "web 50..  {} at 50"],
  },
  {
    title: "each address of a dual-stack pod is told",
    batches: [[5, [upsert(web({ ips: [ip, "fd00::5"] })), synced]]],
    records: ["web 0..  {} at 5", "web fd00::5 0..  {} at 5"],
  },
  {
    title: "a workload that becomes known better replaces what was told of the same stretch",
    batches: [
      [5, [upsert(web({ owner: ownedBy("ReplicaSet", "web-7d4") })), synced]],
      [6, [upsert(ownedObject("ReplicaSet", "shop/web-7d4", ownedBy("Deployment", "web")))]],
      [7, [upsert(ownedObject("ReplicaSet", "shop/other"))]],
    ],
    records: ["web (ReplicaSet web-7d4) 0..  {} at 5", "web (Deployment web) 0..  {} at 6"],
  },
  {
    title: "a node's own addresses are told, the guessed ones of its bridges are not",
    batches: [[5, [upsert(nodeObject("node-1", [ip], ["10.1.0.0/24"])), synced]]],
    records: ["node-1 ?..  {kubernetes.io/hostname=node-1} at 5"],
  },
  {
    title: "a pod on the host's network has no address of its own",
    batches: [[5, [upsert(web({ hostNetwork: true })), synced]]],
    records: [],
  },
];

/** A second process after the first: it ends at `watched`, the second begins with its own batches. */
interface Restart {
  readonly title: string;
  readonly before: Batches;
  readonly watched: number;
  readonly after: Batches;
  readonly records: readonly string[];
  /** [time of the flow, name of the owner or nobody, whether that is sure], asked at the end. */
  readonly owners?: readonly (readonly [at: number, owner: string | undefined, settled: boolean])[];
}

const restarts: readonly Restart[] = [
  {
    title: "an object that still exists is the same tenure: nothing is told",
    before: [[5, [upsert(web(v("1"))), synced]]],
    watched: 30,
    after: [[40, [upsert(web(v("1"))), synced]]],
    records: [],
    owners: [
      [3, "web", true],
      [41, "web", true],
    ],
  },
  {
    title: "an object without uid and start that still exists is the same tenure",
    before: [[5, [upsert(bare()), synced]]],
    watched: 30,
    after: [[40, [upsert(bare()), synced]]],
    records: [],
    owners: [[-100, "web", true]],
  },
  {
    title: "the end of a remembered tenure is told of the same stretch",
    before: [[5, [upsert(web()), synced]]],
    watched: 30,
    after: [
      [40, [upsert(web()), synced]],
      [50, [remove(web())]],
    ],
    records: ["web 0..50 {} at 50"],
  },
  {
    title: "one that vanished ended between the last moment it was watched and now",
    before: [[5, [upsert(web()), synced]]],
    watched: 30,
    after: [[40, [synced]]],
    records: ["web 0..30 {} at 40"],
    owners: [
      [29, "web", true],
      [35, "web", false],
      [43, undefined, false],
    ],
  },
  {
    title: "who took the address meanwhile has it since its own start, not since the restart",
    before: [[5, [upsert(web()), synced]]],
    watched: 30,
    after: [[80, [upsert(batch()), synced]]],
    records: ["batch 70..  {} at 80", "web 0..30 {} at 80"],
    owners: [
      [29, "web", true],
      [60, "web", false],
      [71, "batch", true],
    ],
  },
  {
    title: "a pod of the same name that was started since is another one, even without uids",
    before: [[5, [upsert(bare({ started: time(0) })), synced]]],
    watched: 30,
    after: [[80, [upsert(bare({ started: time(60) })), synced]]],
    records: ["web 0..30 {} at 80", "web 60..  {} at 80"],
  },
  {
    title: "labels that changed meanwhile changed when we learned of it",
    before: [[5, [upsert(web(v("1"))), synced]]],
    watched: 30,
    after: [[40, [upsert(web(v("2"))), synced]]],
    records: ["web 0..40 {v=1} at 40", "web 40..  {v=2} at 40"],
  },
  {
    title: "an address that a remembered pod gave up meanwhile ended at an unknown moment too",
    before: [[5, [upsert(web()), synced]]],
    watched: 30,
    after: [[40, [upsert(web({ ips: ["10.1.0.6"] })), synced]]],
    records: ["web 0..30 {} at 40", "web 10.1.0.6 30..  {} at 40"],
  },
  {
    title: "an object unknown to the memory was not there while the earlier process watched",
    before: [[5, [synced, upsert(nodeObject("node-1", ["192.168.0.1"]))]]],
    watched: 30,
    after: [[40, [upsert(nodeObject("node-1", ["192.168.0.1"])), upsert(bare()), synced]]],
    records: ["web 30..  {} at 40"],
  },
  {
    title: "what ended shortly before is still known, with the labels of the time",
    before: [
      [5, [upsert(web(v("1"))), synced]],
      [20, [remove(web())]],
    ],
    watched: 30,
    after: [[40, [synced]]],
    records: [],
    owners: [
      [15, "web", true],
      [25, undefined, false],
    ],
  },
  {
    title: "a better workload of the same pod is not lost to a guess",
    before: [
      [5, [upsert(ownedObject("ReplicaSet", "shop/web-7d4", ownedBy("Deployment", "web")))]],
      [6, [upsert(web({ owner: ownedBy("ReplicaSet", "web-7d4") })), synced]],
    ],
    watched: 30,
    after: [[40, [upsert(web({ owner: ownedBy("ReplicaSet", "web-7d4") })), synced]]],
    records: [],
  },
  {
    title:
      "an address that came with other labels, and whose start is a guess before theirs, does not bring the old ones back",
    before: [
      [1, [upsert(bare({ ips: ["10.1.0.6"], ...v("1") })), synced]],
      [2, [upsert(bare(v("2")))]],
    ],
    watched: 2,
    after: [[4, [upsert(bare(v("1"))), synced]]],
    records: ["web -8..4 {v=2} at 4", "web 4..  {v=1} at 4"],
  },
  {
    title: "a connection older than the last change of labels still has its owner",
    before: [
      [5, [upsert(web(v("1"))), synced]],
      [20, [upsert(web(v("2")))]],
    ],
    watched: 1000,
    after: [[1000, [upsert(web(v("2"))), synced]]],
    records: [],
    owners: [[3, "web", true]],
  },
];

describe("enrichers/history", () => {
  for (const { title, batches, records } of told)
    it(title, async () => {
      const clock = new FakeClock();
      assert.deepEqual((await play(enricherOf(clock), clock, batches)).map(textOf), records);
    });

  for (const { title, before, watched, after, records, owners } of restarts)
    it(`after a restart: ${title}`, async () => {
      const clock = new FakeClock();
      const stored = throughTheStore(await play(enricherOf(clock), clock, before));
      await clock.advance(after[0] === undefined ? 0 : after[0][0] * 1000 - clock.monotonic());
      const second = enricherOf(clock, { tenures: stored, programs: [], watchedUntil: seconds(watched) });
      assert.deepEqual((await play(second, clock, after)).map(textOf), records);
      for (const [at, owner, settled] of owners ?? [])
        assert.deepEqual([at, ...ownerAt(second, at)], [at, owner, settled]);
    });

  it("what was told after a restart continues what was told before: a third process remembers no more and no less", async () => {
    for (const { before, watched, after } of restarts) {
      const clock = new FakeClock();
      const first = await play(enricherOf(clock), clock, before);
      const last = after.at(-1)?.[0] ?? 0;
      const memory = { tenures: throughTheStore(first), programs: [], watchedUntil: seconds(watched) };
      const second = await play(enricherOf(clock, memory), clock, after);
      await clock.advance(5_000);
      const all = { tenures: throughTheStore([...first, ...second]), programs: [], watchedUntil: seconds(last) };
      const third = enricherOf(clock, all);
      const objects = after.flatMap(([, changes]) => changes).filter((change) => change.type === "upsert");
      const gone = after.flatMap(([, changes]) => changes).some((change) => change.type === "delete");
      assert.deepEqual(third.update([...(gone ? [] : objects), synced]).map(textOf), []);
    }
  });

  it("records in any order, told several times, are remembered as one", async () => {
    const clock = new FakeClock();
    const { before, after } = restarts[6] as Restart;
    const records = await play(enricherOf(clock), clock, before);
    const second = enricherOf(clock, { tenures: [...records, ...records].reverse(), programs: [] });
    assert.equal((await play(second, clock, after)).length, 2);
  });

  it("a tenure that goes on is told again before a day is over, and what was told again is remembered as one", async () => {
    const clock = new FakeClock();
    const first = enricherOf(clock);
    const records = [...first.update([upsert(web()), synced])];
    const times: string[] = [];
    for (let hour = 1; hour <= 50; hour++) {
      await clock.advance(3_600_000);
      const again = first.retell();
      if (again.length > 0)
        times.push(`${hour} h: ${again.map(({ start, end, name }) => `${name} ${start === seconds(0)} ${end}`)}`);
      records.push(...again);
    }
    assert.deepEqual(times, ["24 h: web true null", "48 h: web true null"]);
    const second = enricherOf(clock, { tenures: throughTheStore(records), programs: [] });
    assert.deepEqual(second.update([upsert(web()), synced]), []);
    const [ending] = second.update([remove(web())]);
    assert.deepEqual([ending?.start, ending?.end], [seconds(0), seconds(50 * 3_600)]);
  });

  it("records of another cluster are not ours", () => {
    const clock = new FakeClock();
    const [record] = enricherOf(clock).update([upsert(web()), synced]);
    const second = enricherOf(clock, { tenures: [{ ...(record as EndpointTenure), cluster: "other" }], programs: [] });
    assert.deepEqual(ownerAt(second, 5), [undefined, false]);
    assert.deepEqual(second.update([synced]), []);
  });

  it("of two pods of one name that both seem to last the later is meant", () => {
    const clock = new FakeClock();
    const [record] = enricherOf(clock).update([upsert(web()), synced]) as [EndpointTenure];
    const later = { ...record, uid: "7", start: record.start + 1, labels: { v: "7" } };
    const second = enricherOf(clock, { tenures: [later, record], programs: [] });
    assert.deepEqual(
      second.update([upsert(web({ uid: "7", ...v("7") })), synced]).map(({ uid, end }) => [uid, end !== null]),
      [["1", true]],
    );
  });
});

function enricherOf(clock: FakeClock, remembered?: Remembered): Enricher {
  const enricher = new Enricher({ clock, cluster: "lab" });
  if (remembered !== undefined) enricher.remember(remembered);
  return enricher;
}

async function play(enricher: Enricher, clock: FakeClock, batches: Batches): Promise<readonly EndpointTenure[]> {
  const records: EndpointTenure[] = [];
  for (const [at, changes] of batches) {
    await clock.advance(at * 1000 - clock.monotonic());
    records.push(...enricher.update(changes));
  }
  return records;
}

function throughTheStore(records: readonly EndpointTenure[]): readonly EndpointTenure[] {
  const codec = endpointCodec();
  return records.map((record) => codec.decode(codec.encode(record)));
}

function ownerAt(enricher: Enricher, at: number): readonly [owner: string | undefined, settled: boolean] {
  // The node's pods, so that the address is one that is waited for.
  enricher.update([upsert(nodeObject("node-1", ["192.168.0.1"], ["10.1.0.0/24"]))]);
  const flow = rawFlow({
    startedAt: seconds(at),
    sourceAddress: parseAddress(ip),
    destinationAddress: parseAddress("192.0.2.1"),
  });
  const [enriched] = enricher.stage([flow]) as readonly { source: { name: string | null } | null }[];
  return [enriched?.source?.name ?? undefined, enricher.awaited(flow).length === 0];
}

/** `name [address] [(workload)] start..end {labels} at toldAt`, in seconds. */
function textOf(record: EndpointTenure): string {
  const { address, name, start, end, labels, workloadKind, workload, toldAt } = record;
  const second = (us: number) => String((us - seconds(0)) / 1_000_000);
  const from = start === 0 ? "?" : second(start);
  const of = workloadKind === null || workloadKind === "Pod" ? "" : ` (${workloadKind} ${workload})`;
  const where = address === ip ? "" : ` ${address}`;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return `${name}${where}${of} ${from}..${end === null ? " " : second(end)} {${pairs.join(",")}} at ${second(toldAt)}`;
}

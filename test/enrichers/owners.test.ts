import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { isoTime } from "../../core/clock.ts";
import type { Change } from "../../core/kube/watch.ts";
import { Owners } from "../../enrichers/owners.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { seconds } from "../support/flows.ts";
import { nodeObject, type PodParts, podObject, remove, synced, upsert } from "../support/objects.ts";

/** Seconds after the start, and what was seen then. */
type History = readonly (readonly [at: number, changes: readonly Change[]])[];

interface Question {
  readonly ip?: string;
  readonly at: number;
  readonly seenBy?: string;
  /** Name of the pod or node, or undefined for nobody. */
  readonly owner: string | undefined;
  readonly settled?: boolean;
}

interface Case {
  readonly title: string;
  readonly history: History;
  readonly asks: readonly Question[];
}

const ip = "10.1.0.5";
const time = (s: number) => isoTime(1_700_000_000_000 + s * 1000);
const old = (parts: PodParts = {}) => podObject("shop/old", { uid: "1", ips: [ip], started: time(0), ...parts });
const young = (parts: PodParts = {}) => podObject("shop/young", { uid: "2", ips: [ip], started: time(60), ...parts });
const bare = (name: string, parts: PodParts = {}) => podObject(`shop/${name}`, { ips: [ip], ...parts });

const cases: readonly Case[] = [
  {
    title: "a recycled address belongs to the old pod before the change and to the new one after it",
    history: [
      [1, [upsert(old()), synced]],
      [50, [remove(old())]],
      [62, [upsert(young())]],
    ],
    asks: [
      { at: 30, owner: "old", settled: true },
      { at: 49, owner: "old", settled: true },
      { at: 61, owner: "young", settled: true },
      { at: 55, owner: undefined, settled: false },
    ],
  },
  {
    title: "a pod that is learned late owns the flow that began before we saw its object",
    history: [
      [1, [upsert(old()), synced]],
      [50, [remove(old())]],
      [75, [upsert(young())]],
    ],
    asks: [{ at: 60.4, owner: "young", settled: true }],
  },
  {
    title: "until the new pod is learned its flow is not settled",
    history: [
      [1, [upsert(old()), synced]],
      [50, [remove(old())]],
    ],
    asks: [{ at: 60.4, owner: undefined, settled: false }],
  },
  {
    title: "a pod that was started while the old one still had the address begins when the old one ended",
    history: [
      [1, [upsert(old()), synced]],
      [65, [remove(old())]],
      [70, [upsert(young())]],
    ],
    asks: [
      { at: 62, owner: "old" },
      { at: 66, owner: "young" },
    ],
  },
  {
    title: "the containers' end counts where it was before we saw the deletion",
    history: [
      [1, [upsert(old()), synced]],
      [70, [remove(old({ finished: time(58) }))]],
      [71, [upsert(young())]],
    ],
    asks: [
      { at: 58, owner: "old" },
      { at: 61, owner: "young" },
    ],
  },
  {
    title: "a later pod takes the address while the old object still exists",
    history: [
      [1, [upsert(old()), synced]],
      [62, [upsert(young())]],
    ],
    asks: [
      { at: 59, owner: "old" },
      { at: 61, owner: "young" },
    ],
  },
  {
    title: "deleting the old object afterwards changes nothing",
    history: [
      [1, [upsert(old()), synced]],
      [62, [upsert(young())]],
      [90, [remove(old())]],
    ],
    asks: [
      { at: 59, owner: "old" },
      { at: 80, owner: "young" },
    ],
  },
  {
    title: "of two pods that claim the address at a time the one on the reporting node wins",
    history: [
      [1, [upsert(old({ node: "node-1" })), synced]],
      [62, [upsert(young({ node: "node-2" }))]],
    ],
    asks: [
      { at: 70, seenBy: "node-1", owner: "old" },
      { at: 70, seenBy: "node-2", owner: "young" },
      { at: 70, seenBy: "node-3", owner: "young" },
    ],
  },
  ...["node-1", "node-2"].map((node) => ({
    title: `an address that changes hands within a second and to ${node} is the new pod's from its start, not from when we saw it`,
    history: [
      [1, [upsert(old({ node: "node-1" })), synced]],
      [50.6, [remove(old({ node: "node-1" })), upsert(young({ node, started: time(50.2) }))]],
    ] as const,
    asks: ["node-1", "node-2", "node-3"].flatMap((seenBy) => [
      { at: 50.1, seenBy, owner: "old", settled: true },
      { at: 50.3, seenBy, owner: "young", settled: true },
      { at: 51, seenBy, owner: "young", settled: true },
    ]),
  })),
  {
    title: "a batch that hands an address over in the wrong order is understood",
    history: [
      [1, [upsert(bare("one")), synced]],
      [50, [upsert(bare("two")), remove(bare("one"))]],
    ],
    asks: [
      { at: 40, owner: "one" },
      { at: 50, owner: "two" },
    ],
  },
  {
    title: "a pod of the first listing without a start owned its address before we looked",
    history: [[100, [upsert(bare("one")), synced]]],
    asks: [{ at: -3600, owner: "one", settled: true }],
  },
  {
    title:
      "a pod that appears later without a start owned its address for ten seconds, but not before the old one left",
    history: [
      [1, [upsert(bare("one")), synced]],
      [50, [remove(bare("one"))]],
      [52, [upsert(bare("two"))]],
    ],
    asks: [
      { at: 49.9, owner: "one" },
      { at: 50.1, owner: "two", settled: true },
    ],
  },
  {
    title: "a pod of the same name with another uid is another pod",
    history: [
      [1, [upsert(bare("web", { uid: "1", labels: { v: "1" } })), synced]],
      [50, [upsert(bare("web", { uid: "2", started: time(45) }))]],
    ],
    asks: [
      { at: 40, owner: "web" },
      { at: 51, owner: "web" },
    ],
  },
  {
    title: "a pod on the host's network does not own the node's address",
    history: [[1, [upsert(nodeObject("node-1", [ip])), upsert(bare("agent", { hostNetwork: true })), synced]]],
    asks: [{ at: 5, owner: "node-1", settled: true }],
  },
  {
    title: "both addresses of a dual-stack pod are its own",
    history: [[1, [upsert(podObject("shop/dual", { ips: [ip, "FD00:1::0:5"] })), synced]]],
    asks: [
      { at: 5, owner: "dual" },
      { at: 5, ip: "fd00:1::5", owner: "dual" },
    ],
  },
  {
    title: "a pod that has ended gives the address back",
    history: [
      [1, [upsert(old()), synced]],
      [50, [upsert(old({ phase: "Succeeded" }))]],
    ],
    asks: [
      { at: 49, owner: "old" },
      { at: 55, owner: undefined },
    ],
  },
  {
    title: "a terminating pod owns its address until it is gone, but not surely after it was due",
    history: [[1, [upsert(old({ deletionTimestamp: time(40) })), synced]]],
    asks: [
      { at: 39, owner: "old", settled: true },
      { at: 41, owner: "old", settled: false },
    ],
  },
  {
    title: "an address that a pod gets later is its own from then on only",
    history: [
      [1, [upsert(old()), synced]],
      [50, [upsert(old({ ips: ["10.1.0.6"] }))]],
    ],
    asks: [
      { at: 20, ip: "10.1.0.6", owner: undefined },
      { at: 55, ip: "10.1.0.6", owner: "old" },
      { at: 20, owner: "old" },
      { at: 55, owner: undefined },
    ],
  },
  {
    title: "a flow just after the end is the old pod's if nobody else took the address, though not surely",
    history: [
      [1, [upsert(old()), synced]],
      [50, [remove(old())]],
    ],
    asks: [{ at: 51, owner: "old", settled: false }],
  },
  {
    title: "the first addresses of a node's pod range are the node's unless a pod has one",
    history: [
      [1, [upsert(nodeObject("node-1", ["192.168.0.1"], ["10.1.0.0/24"])), synced]],
      [2, [upsert(podObject("shop/first", { ips: ["10.1.0.1"] }))]],
    ],
    asks: [
      { at: 5, ip: "10.1.0.0", owner: "node-1", settled: true },
      { at: 5, ip: "10.1.0.1", owner: "first" },
    ],
  },
  {
    title: "loopback is the reporting node's",
    history: [[1, [upsert(nodeObject("node-2", ["192.168.0.2"])), synced]]],
    asks: [
      { at: 5, ip: "127.0.0.1", seenBy: "node-2", owner: "node-2" },
      { at: 5, ip: "::1", seenBy: "node-2", owner: "node-2" },
      { at: 5, ip: "127.0.0.1", seenBy: "node-1", owner: undefined },
    ],
  },
  {
    title: "a node without a route to objects owns nothing, nor does an unreadable address",
    history: [[1, [upsert(podObject("shop/odd", { ips: ["10.1.0.500", ip] })), synced]]],
    asks: [
      { at: 5, owner: "odd" },
      { at: 5, ip: "10.1.0.9", owner: undefined },
    ],
  },
  {
    title: "the deletion of an earlier pod of the name does not end the later one",
    history: [
      [1, [upsert(bare("web", { uid: "2" })), synced]],
      [50, [remove(bare("web", { uid: "1" }))]],
    ],
    asks: [{ at: 55, owner: "web", settled: true }],
  },
  {
    title: "a pod that came and went within a batch owns nothing",
    history: [[1, [upsert(old()), remove(old()), synced]]],
    asks: [{ at: 5, owner: undefined }],
  },
];

describe("enrichers/owners", () => {
  for (const { title, history, asks } of cases) {
    it(title, async () => {
      const { owners } = await told(history);
      const found = asks.map((ask) => ({
        owner: owners.ownerOf(parseAddress(ask.ip ?? ip), seconds(ask.at), ask.seenBy ?? "node-1")?.name ?? undefined,
        settled: owners.isSettled(parseAddress(ask.ip ?? ip), seconds(ask.at), ask.seenBy ?? "node-1"),
      }));
      const wanted = asks.map(({ owner, settled }, i) => ({ owner, settled: settled ?? found[i]?.settled }));
      assert.deepEqual(found, wanted);
    });
  }

  it("labels are those of the flow's time", async () => {
    const { owners } = await told([
      [1, [upsert(bare("web", { labels: { env: "dev" } })), synced]],
      [50, [upsert(bare("web", { labels: { env: "prod" } }))]],
      [60, [upsert(bare("web", { labels: { env: "prod" } }))]],
    ]);
    const envAt = (at: number) => owners.ownerOf(parseAddress(ip), seconds(at), "node-1")?.labels["env"];
    assert.deepEqual([-5, 49, 50, 70].map(envAt), ["dev", "dev", "prod", "prod"]);
  });

  it("uids tell two pods of one name apart on both sides of the change", async () => {
    const { owners } = await told([
      [1, [upsert(bare("web", { uid: "1" })), synced]],
      [50, [upsert(bare("web", { uid: "2", started: time(45) }))]],
    ]);
    const uidAt = (at: number) => owners.ownerOf(parseAddress(ip), seconds(at), "node-1")?.uid;
    assert.deepEqual([uidAt(40), uidAt(51)], ["1", "2"]);
  });

  it("a deleted pod is kept for the configured time and then forgotten", async () => {
    const { owners, clock } = await told([
      [1, [upsert(old()), synced]],
      [50, [remove(old())]],
    ]);
    const name = () => owners.ownerOf(parseAddress(ip), seconds(30), "node-1")?.name;
    await clock.advance(599_000);
    assert.equal(name(), "old");
    await clock.advance(2_000);
    assert.equal(name(), undefined);
    assert.equal(owners.knows(parseAddress(ip)), false);
  });

  it("of more deleted pods than the bound the oldest are forgotten first", async () => {
    const clock = new FakeClock();
    const owners = new Owners({ clock, keepAtMost: 3 });
    const pods = [1, 2, 3, 4, 5].map((n) => podObject(`shop/p${n}`, { ips: [`10.1.0.${n}`] }));
    owners.update([...pods.map(upsert), synced]);
    await clock.advance(1000);
    for (const object of pods) owners.update([remove(object)]);
    const known = [1, 2, 3, 4, 5].filter((n) => owners.knows(parseAddress(`10.1.0.${n}`)));
    assert.deepEqual(known, [3, 4, 5]);
  });

  it("counts addresses that cannot be read", async () => {
    const { owners } = await told([[1, [upsert(podObject("shop/odd", { ips: ["ten", "10.1.0.500", ip] }))]]]);
    assert.equal(owners.unreadable, 2);
  });

  it("objects of any shape do no harm", () => {
    const owners = new Owners({ clock: new FakeClock() });
    const parts = [undefined, null, 7, "text", [], [null], {}, { status: 3 }];
    for (const status of parts)
      for (const spec of parts)
        for (const kind of ["Pod", "Node", "ReplicaSet"])
          owners.update([upsert({ apiVersion: "v1", kind, metadata: { name: "x" }, spec, status })]);
    assert.equal(owners.unreadable, 0);
  });
});

async function told(history: History): Promise<{ owners: Owners; clock: FakeClock }> {
  const clock = new FakeClock();
  const owners = new Owners({ clock });
  let now = 0;
  for (const [at, changes] of history) {
    await clock.advance((at - now) * 1000);
    owners.update(changes);
    now = at;
  }
  return { owners, clock };
}

import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import type { Pod } from "../../policy/kinds/cluster.ts";
import { SharedTraits } from "../../policy/shared-traits.ts";

const pod = (more: Partial<Pod> = {}): Pod =>
  structuredClone({
    ...{ namespace: "shop", name: "web-1", labels: { app: "web", tier: "front" }, serviceAccount: "robot" },
    ...{ node: "n", hostNetwork: false, addresses: [parseAddress("10.0.0.1")] },
    ...{ ports: [{ name: "http", protocol: 6, port: 80 }], createdAt: "2026-01-01T00:00:00Z", ending: false },
    ...more,
  });

/** What does not look alike at a glance. */
const others: readonly { readonly title: string; readonly other: Partial<Pod> }[] = [
  { title: "another namespace", other: { namespace: "shopr", serviceAccount: "obot" } },
  { title: "another service account", other: { serviceAccount: "other" } },
  { title: "another value of a label", other: { labels: { app: "web", tier: "back" } } },
  { title: "a label more", other: { labels: { app: "web", tier: "front", more: "" } } },
  { title: "another port", other: { ports: [{ name: "http", protocol: 6, port: 81 }] } },
  { title: "two labels whose text is that of one", other: { labels: { app: "web", tier: "front4,0,more" } } },
];

describe("traits that pods share", () => {
  it("are the very same objects for pods that are alike, and leave the pods what they are", () => {
    const shared = new SharedTraits();
    const alike = pod({ name: "web-2", addresses: [parseAddress("10.0.0.2")] });
    const [one, other] = [shared.of(pod()), shared.of(alike)];
    assert.deepEqual([one, other], [pod(), alike]);
    assert.equal(one.labels, other.labels);
    assert.equal(one.ports, other.ports);
  });

  for (const { title, other } of others)
    it(`are not shared by a pod with ${title}`, () => {
      const shared = new SharedTraits();
      shared.of(pod());
      assert.deepEqual(shared.of(pod(other)), pod(other));
    });

  it("are forgotten when there are too many, and nothing becomes another by that", () => {
    const shared = new SharedTraits();
    for (let turn = 0; turn < 40_000; turn++) {
      const labels = { pod: String(turn) };
      assert.deepEqual(shared.of(pod({ labels })).labels, labels);
    }
  });
});

import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import type { Pod } from "../../policy/kinds/cluster.ts";
import { AddressOwners } from "../../policy/one-owner.ts";

const address = parseAddress("10.0.0.1");
const pod = (name: string, more: Partial<Pod> = {}): Pod => ({
  namespace: "a",
  name,
  labels: {},
  serviceAccount: "default",
  node: "n",
  hostNetwork: false,
  addresses: [address],
  ports: [],
  createdAt: "2026-01-01T00:00:00Z",
  ending: false,
  ...more,
});

const cases: readonly { readonly title: string; readonly pods: readonly Pod[]; readonly owners: readonly string[] }[] =
  [
    { title: "a pod alone keeps it", pods: [pod("x")], owners: ["x"] },
    {
      title: "the newer pod has it",
      pods: [pod("old-z", { createdAt: "2025-12-31T23:59:59Z" }), pod("new-a")],
      owners: ["new-a"],
    },
    {
      title: "a pod that is being deleted loses it to an older one",
      pods: [pod("going", { createdAt: "2026-02-01T00:00:00Z", ending: true }), pod("stays")],
      owners: ["stays"],
    },
    {
      title: "a pod that is being deleted keeps what nobody else claims",
      pods: [pod("x", { ending: true })],
      owners: ["x"],
    },
    {
      title: "of two equally old the last by name has it, in whatever order",
      pods: [pod("b"), pod("a")],
      owners: ["b"],
    },
    {
      title: "pods on the host's network share it with each other, and with nobody else",
      pods: [pod("h1", { hostNetwork: true }), pod("h2", { hostNetwork: true }), pod("x")],
      owners: ["h1", "h2", "x"],
    },
  ];

/** Owners, and what tells them of a pod. */
function ownership() {
  const pods = new Map<string, Pod>();
  const owners = new AddressOwners((key) => pods.get(key));
  const put = (key: string, after: Pod | undefined) => {
    const before = pods.get(key);
    if (after === undefined) pods.delete(key);
    else pods.set(key, after);
    return [...owners.put(key, before, after)];
  };
  return { owners, put };
}

/** The addresses of each pod, by name. */
function shared(pods: readonly Pod[]): ReadonlyMap<string, Pod["addresses"]> {
  const { owners, put } = ownership();
  for (const one of pods) put(one.name, one);
  return new Map(pods.map(({ name }) => [name, owners.addressesOf(name)]));
}

describe("an address that several pods claim", () => {
  for (const { title, pods, owners } of cases)
    it(title, () => {
      const having = [...shared(pods)].filter(([, addresses]) => addresses.includes(address));
      assert.deepEqual(
        having.map(([name]) => name),
        owners,
      );
    });

  it("is nobody's by halves: the loser keeps its other addresses", () => {
    const [mine, both] = [parseAddress("10.0.0.2"), [address, parseAddress("10.0.0.2")]];
    const addresses = shared([pod("old", { addresses: both, ending: true }), pod("new")]);
    assert.deepEqual(addresses.get("old"), [mine]);
  });

  it("goes back to the older pod when the newer is gone, and it is told of both times", () => {
    const { owners, put } = ownership();
    put("old", pod("old", { createdAt: "2025-01-01T00:00:00Z" }));
    assert.deepEqual(put("new", pod("new")), ["old"]);
    assert.deepEqual(owners.addressesOf("old"), []);
    assert.deepEqual(put("new", undefined), ["old"]);
    assert.deepEqual(owners.addressesOf("old"), [address]);
  });
});

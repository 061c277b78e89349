import assert from "node:assert/strict";
import fc from "fast-check";
import type { Address } from "../../core/address.ts";
import { SortedMap } from "../../core/sorted-map.ts";
import type { Endpoint, EndpointId } from "../../policy/placement.ts";
import { Whereabouts } from "../../policy/whereabouts.ts";

const addresses = ["10.0.0.1", "10.0.0.2", "fd00::1"] as Address[];
const bare = { namespace: null, nets: [], interfaceName: null, labels: {} };

const endpoint: fc.Arbitrary<Endpoint> = fc
  .record({
    kind: fc.constantFrom("pod" as const, "node" as const, "host" as const),
    name: fc.constantFrom("a", "b", "c"),
    node: fc.constantFrom("n1", "n2", null),
    addresses: fc.subarray(addresses),
    hostNetwork: fc.boolean(),
    ports: fc.subarray([80, 443]).map((ports) => ports.map((port) => ({ name: "p", protocol: 6, port }))),
  })
  .map((draft) => ({ ...bare, ...draft, id: `${draft.kind}:${draft.name}` as EndpointId }));
const changes = fc.array(fc.array(fc.tuple(endpoint, fc.boolean()), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 12,
});

/** Everything it tells, in words. */
function told(whereabouts: Whereabouts): unknown {
  const at = addresses.map((address) => [
    address,
    whereabouts.podAt(address),
    whereabouts.nodeAt(address),
    whereabouts.othersAt(address),
  ]);
  return {
    at,
    hosts: [...whereabouts.hosts].sort(),
    nets: [...whereabouts.nets()],
    ports: [...whereabouts.declaredPorts()].sort(),
  };
}

describe("whereabouts", () => {
  it("after any changes are what they are from scratch, and do not change afterwards", () => {
    const property = fc.property(changes, (steps) => {
      let endpoints = SortedMap.empty<EndpointId, Endpoint>();
      const kept: [Whereabouts, unknown][] = [];
      for (const step of steps) {
        endpoints = endpoints.with(new Map(step.map(([one, isThere]) => [one.id, isThere ? one : undefined])));
        const scratch = told(Whereabouts.of(new Map(endpoints)));
        // In between somebody asked about another world: the next is made from that, or anew.
        const followed = Whereabouts.of(endpoints);
        assert.deepEqual(told(followed), scratch);
        kept.push([followed, scratch]);
      }
      for (const [whereabouts, was] of kept) assert.deepEqual(told(whereabouts), was);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it("follow step by step", () => {
    const property = fc.property(changes, (steps) => {
      let endpoints = SortedMap.empty<EndpointId, Endpoint>();
      const all = steps.map((step) => {
        endpoints = endpoints.with(new Map(step.map(([one, isThere]) => [one.id, isThere ? one : undefined])));
        return endpoints;
      });
      const followed = all.map((each) => Whereabouts.of(each));
      for (const [at, each] of all.entries())
        assert.deepEqual(told(followed[at] as Whereabouts), told(Whereabouts.of(new Map(each))));
    });
    fc.assert(property, { numRuns: 200 });
  });
});

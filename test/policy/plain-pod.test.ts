import assert from "node:assert/strict";
import fc from "fast-check";
import { readPod } from "../../policy/kinds/cluster.ts";

const something = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(null, 0, 1.5, true, "", "x", [], {}) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
/** Nearly always what it should be. */
const mostly = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary }, { weight: 1, arbitrary: something });

const port = fc.record(
  {
    name: mostly(fc.constantFrom("http", "dns")),
    containerPort: mostly(fc.nat(65_535)),
    protocol: mostly(fc.constantFrom("TCP", "UDP", "SCTP", "odd")),
  },
  { requiredKeys: ["containerPort"] },
);
const containers = mostly(
  fc.array(mostly(fc.record({ image: fc.string(), ports: mostly(fc.array(mostly(port), { maxLength: 2 })) })), {
    maxLength: 2,
  }),
);
const ip = mostly(fc.constantFrom("10.0.0.1", "10.0.0.2", "fd00::1", "no address"));
const pod = fc.record({
  spec: mostly(
    fc.record(
      {
        nodeName: mostly(fc.constant("node-1")),
        hostNetwork: mostly(fc.boolean()),
        serviceAccountName: mostly(fc.constant("robot")),
        containers,
        initContainers: containers,
      },
      { requiredKeys: [] },
    ),
  ),
  status: mostly(
    fc.record(
      {
        phase: mostly(fc.constantFrom("Running", "Succeeded", "Failed")),
        podIP: ip,
        podIPs: mostly(fc.array(mostly(fc.record({ ip })), { maxLength: 2 })),
      },
      { requiredKeys: [] },
    ),
  ),
});

type Parts = typeof pod extends fc.Arbitrary<infer T> ? T : never;

const podOf = ({ spec, status }: { readonly spec: unknown; readonly status: unknown }) =>
  structuredClone({
    ...{ apiVersion: "v1", kind: "Pod", spec, status },
    metadata: { namespace: "a", name: "x", labels: { app: "x" } },
  });

/** It means the same, but has a null, with which the schema must deal. */
function withNull({ spec, status }: Parts): Parameters<typeof podOf>[0] {
  const { initContainers = [] } = Object(spec) as { readonly initContainers?: unknown };
  const isUsual = typeof spec === "object" && spec !== null && !Array.isArray(spec) && Array.isArray(initContainers);
  return { spec: isUsual ? { ...spec, initContainers: [...initContainers, { ports: null }] } : spec, status };
}

describe("a pod that is read without its schema", () => {
  it("is what the schema would make of it", () => {
    let read = 0;
    const property = fc.property(pod, (parts) => {
      const [quick, slow] = [readPod(podOf(parts)), readPod(podOf(withNull(parts)))];
      if ("value" in quick) read += 1;
      assert.deepEqual(quick, slow);
    });
    fc.assert(property, { numRuns: 2000 });
    assert.ok(read > 200, `only ${read} were pods`);
  }).timeout(10_000);
});

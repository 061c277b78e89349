import assert from "node:assert/strict";
import { SluiceError } from "../../core/errors.ts";
import { callsFrom } from "../../lab/call-plan.ts";
import { planCluster } from "../../lab/plan.ts";
import { emptyScenario, readScenario, scenarioOf } from "../../lab/scenario.ts";
import { node, pod, service } from "./objects.ts";

const call = { name: "c", from: "pod:shop/web", to: "service:shop/db", protocol: "tcp", port: 80 };
const written = (spec: object) => ({
  apiVersion: "lab.sluice.dev/v1alpha1",
  kind: "Scenario",
  metadata: { name: "s" },
  spec,
});

describe("a scenario", () => {
  it("is empty where a folder holds none", () => assert.deepEqual(scenarioOf([node(1)]), emptyScenario));

  it("fills in what a call leaves open", () => {
    const [read] = readScenario(written({ calls: [call] })).calls;
    assert.deepEqual(
      {
        family: read?.family,
        everyMs: read?.everyMs,
        timeoutMs: read?.timeoutMs,
        bytes: read?.bytes,
        keepOpen: read?.keepOpen,
      },
      { family: 4, everyMs: 1000, timeoutMs: 900, bytes: 32, keepOpen: false },
    );
  });

  const faults = [
    { title: "a misspelt field", spec: { calls: [{ ...call, evreyMs: 5 }] }, message: /evreyMs/ },
    {
      title: "a caller of no kind",
      spec: { calls: [{ ...call, from: "shop/web" }] },
      message: /write pod:namespace\/name/,
    },
    {
      title: "a Service as caller",
      spec: { calls: [{ ...call, from: "service:shop/db" }] },
      message: /write pod:namespace\/name/,
    },
    { title: "a family that is none", spec: { calls: [{ ...call, family: 5 }] }, message: /family/ },
    {
      title: "a TCP call without port",
      spec: { calls: [{ ...call, port: undefined }] },
      message: /call "c": port is missing/,
    },
    { title: "two calls of one name", spec: { calls: [call, call] }, message: /two calls are named "c"/ },
    {
      title: "keepOpen with UDP",
      spec: { calls: [{ ...call, protocol: "udp", keepOpen: true }] },
      message: /keepOpen needs protocol tcp/,
    },
    {
      title: "a name asked for by TCP",
      spec: { calls: [{ ...call, asks: "a.example" }] },
      message: /asks needs protocol udp/,
    },
    { title: "a call every no time", spec: { calls: [{ ...call, everyMs: 0 }] }, message: /everyMs/ },
    { title: "a step that does nothing", spec: { steps: [{ atMs: 1 }] }, message: /Scenario/ },
    {
      title: "an external host without address",
      spec: { externals: [{ name: "x", addresses: [] }] },
      message: /addresses/,
    },
    {
      title: "a new pod without name",
      spec: { steps: [{ atMs: 1, replacePod: { remove: "a/b", create: { kind: "Pod" } } }] },
      message: /Scenario/,
    },
  ];
  for (const { title, spec, message } of faults)
    it(`refuses ${title}`, () =>
      assert.throws(
        () => readScenario(written(spec)),
        (error: unknown) =>
          error instanceof SluiceError && error.code === "MANIFEST_INVALID" && message.test(error.message),
      ));

  it("refuses a second one beside it", () =>
    assert.throws(() => scenarioOf([written({}), written({})]), { code: "MANIFEST_INVALID" }));
});

describe("calls of a scenario", () => {
  const plan = planCluster(
    [
      node(1),
      pod("shop/web", { ips: ["10.244.1.2", "fd00:10:244:1::2"] }),
      service("shop/db", { clusterIPs: ["10.96.0.1", "fd00:10:96::1"], ports: [{ port: 80 }] }),
    ],
    { name: "a", externals: [{ name: "bank", addresses: ["203.0.113.1"] }] },
  );
  const addressOf = (to: string, family: 4 | 6 = 4) =>
    callsFrom(call.from, readScenario(written({ calls: [{ ...call, to, family }] })).calls, plan)[0]?.probe.address;

  const cases = [
    { title: "a Service by its cluster address", to: "service:shop/db", expected: "10.96.0.1" },
    { title: "a Service of IPv6", to: "service:shop/db", family: 6 as const, expected: "fd00:10:96::1" },
    { title: "a pod by its own address", to: "pod:shop/web", family: 6 as const, expected: "fd00:10:244:1::2" },
    { title: "a node by its InternalIP", to: "node:node-1", expected: "172.30.0.11" },
    { title: "an external host", to: "external:bank", expected: "203.0.113.1" },
    { title: "an address as it stands", to: "address:169.254.169.254", expected: "169.254.169.254" },
  ];
  for (const { title, to, family, expected } of cases)
    it(`go to ${title}`, () => assert.equal(addressOf(to, family), expected));

  for (const { to, family } of [
    { to: "service:shop/nobody", family: 4 as const },
    { to: "external:bank", family: 6 as const },
  ])
    it(`cannot go to ${to} over IPv${family}`, () =>
      assert.throws(() => addressOf(to, family), { code: "MANIFEST_INVALID" }));

  it("are spread over their interval, unless they say when to begin", () => {
    const calls = ["a", "b", "c"].map((name) => ({ ...call, name }));
    const { calls: read } = readScenario(written({ calls: [...calls, { ...call, name: "d", afterMs: 7 }] }));
    assert.deepEqual(
      callsFrom(call.from, read, plan).map(({ afterMs }) => afterMs),
      [0, 618, 236, 7],
    );
  });
});

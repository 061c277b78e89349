import { z } from "zod";
import { SluiceError } from "../core/errors.ts";
import type { KubeObject } from "../core/kube/objects.ts";

/**
 * What happens in a lab: who calls whom, and what changes meanwhile. It is written as one more object among the manifests, so
 * that whoever reads the folder sees a kind it does not know and not a broken file.
 */
const scenarioKind = { apiVersion: "lab.sluice.dev/v1alpha1", kind: "Scenario" } as const;

const text = z.string().min(1);
const ms = z.int().min(0);
const bytes = z.int().min(0).max(10_000_000);
const port = z.int().min(1).max(65535);
const protocol = z.enum(["TCP", "UDP", "SCTP"]).default("TCP");

const external = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
    .describe("Name of a host outside the cluster."),
  addresses: z.array(text).min(1),
  ports: z.array(z.strictObject({ port, protocol })).default([]),
});

/** `pod:namespace/name`, `node:NAME`, `external:NAME` */
const caller = z
  .string()
  .regex(/^(pod:[^/]+\/[^/]+|node:.+|external:.+)$/, "write pod:namespace/name, node:NAME or external:NAME");
/** A caller, or `service:namespace/name`, or `address:IP` */
const callee = z
  .string()
  .regex(
    /^((pod|service):[^/]+\/[^/]+|node:.+|external:.+|address:.+)$/,
    "write service:namespace/name, pod:namespace/name, node:NAME, external:NAME or address:IP",
  );

const call = z.strictObject({
  name: text,
  from: caller,
  to: callee,
  protocol: z.enum(["tcp", "udp", "http", "icmp"]),
  port: port.optional().describe("Of the Service if that is called. Not for icmp."),
  family: z.union([z.literal(4), z.literal(6)]).default(4),
  everyMs: z.int().min(10).default(1000),
  afterMs: ms.optional().describe("Start this long after the traffic begins. Default: spread over everyMs."),
  count: z.int().min(1).optional(),
  timeoutMs: z.int().min(10).default(900).describe("Below a second, so that a denied TCP call sends one SYN."),
  bytes: bytes.default(32),
  replyBytes: bytes.optional().describe("Default: an echo. For tcp and http."),
  asks: text.optional().describe("The name to ask a DNS server for; see known-names.ts. For udp."),
  keepOpen: z.boolean().default(false).describe("One TCP connection for all repetitions."),
  expect: z
    .strictObject({ action: z.enum(["allow", "deny"]), by: text.describe("Tier of the deciding rule, or none.") })
    .optional(),
});

const pod = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Pod"),
  metadata: z.looseObject({ name: text, namespace: text }),
});

const step = z.union([
  z.strictObject({
    atMs: ms,
    replacePod: z.strictObject({ remove: z.string().regex(/^[^/]+\/[^/]+$/), create: pod }),
  }),
  z.strictObject({
    atMs: ms,
    patchLabels: z.strictObject({
      kind: z.enum(["Pod", "Namespace"]),
      namespace: text.optional(),
      name: text,
      labels: z.record(z.string(), z.string().nullable()).describe("null takes a label away."),
    }),
  }),
]);

const schema = z.strictObject({
  apiVersion: z.literal(scenarioKind.apiVersion),
  kind: z.literal(scenarioKind.kind),
  metadata: z.strictObject({ name: text }),
  spec: z.strictObject({
    externals: z.array(external).default([]),
    calls: z.array(call).default([]),
    steps: z.array(step).default([]),
  }),
});

export type Scenario = z.infer<typeof schema>["spec"];
export type ScenarioCall = Scenario["calls"][number];
export type ScenarioStep = Scenario["steps"][number];

export const emptyScenario: Scenario = { externals: [], calls: [], steps: [] };

/** The scenario among the objects of a folder, or an empty one. Throws MANIFEST_INVALID naming the field. */
export function scenarioOf(objects: readonly KubeObject[]): Scenario {
  const found = objects.filter(
    ({ apiVersion, kind }) => apiVersion === scenarioKind.apiVersion && kind === scenarioKind.kind,
  );
  if (found.length > 1) throw refused(`there are ${found.length} Scenarios; one is enough`);
  return found[0] === undefined ? emptyScenario : readScenario(found[0]);
}

export function readScenario(object: unknown): Scenario {
  const result = schema.safeParse(object);
  if (!result.success) throw refused(z.prettifyError(result.error));
  checkCalls(result.data.spec.calls);
  return result.data.spec;
}

function checkCalls(calls: readonly ScenarioCall[]): void {
  const names = new Set<string>();
  for (const { name, protocol, port, keepOpen, asks } of calls) {
    if (names.has(name)) throw refused(`two calls are named "${name}"`);
    names.add(name);
    if (protocol !== "icmp" && port === undefined) throw refused(`call "${name}": port is missing`);
    if (asks !== undefined && protocol !== "udp") throw refused(`call "${name}": asks needs protocol udp`);
    if (keepOpen && protocol !== "tcp") throw refused(`call "${name}": keepOpen needs protocol tcp`);
  }
}

function refused(fault: string): SluiceError {
  return new SluiceError("MANIFEST_INVALID", `Scenario: ${fault}`, { context: { object: "Scenario" } });
}

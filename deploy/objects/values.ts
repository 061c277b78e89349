import { z } from "zod";
import { SluiceError } from "../../core/errors.ts";

// What an installation may be told: values of the chart, and of `sluice install --set`. Strict at every level, as the configuration is.

const quantities = z.record(z.string(), z.union([z.string(), z.number()]));

/** Requests are what benches measured (docs/operations.md), limits of memory at least twice that; CPU has none, since who waits loses records. */
const resources = (cpu: string, memory: string, most: string) =>
  z
    .strictObject({ requests: quantities.default({ cpu, memory }), limits: quantities.default({ memory: most }) })
    .prefault({})
    .describe("Of its container.");

const secret = () =>
  z
    .string()
    .default("")
    .describe(
      "Secret whose keys are files below /run/secrets/sluice: passwords, keys, certificates that config names.",
    );

const replicas = (count: number) => z.int().min(0).max(1_000).default(count).describe("How many of them.");

const nodeSelector = () =>
  z
    .record(z.string(), z.string())
    .default({ "kubernetes.io/os": "linux" })
    .describe("Labels of the nodes that it may run on.");

const tolerations = (all: boolean) =>
  z
    .array(z.record(z.string(), z.union([z.string(), z.number()])))
    .default(all ? [{ operator: "Exists" }] : [])
    .describe("Taints of nodes that it may run on nevertheless.");

const placed = { nodeSelector: nodeSelector(), tolerations: tolerations(false) };

const port = z.int().min(1).max(65_535);
/** None would mean all to a NetworkPolicy. */
const ports = (...usual: number[]) => z.array(port).min(1).default(usual);

const image = (version: string) =>
  z
    .strictObject({
      repository: z
        .string()
        .min(1)
        .default("sluice")
        .describe("Where the image is, with the registry's name if it has one."),
      tag: z.string().min(1).default(version).describe("Its version."),
      pullPolicy: z.enum(["IfNotPresent", "Always", "Never"]).default("IfNotPresent").describe("When nodes fetch it."),
      pullSecrets: z
        .array(z.strictObject({ name: z.string().min(1) }))
        .default([])
        .describe("Secrets by which they may."),
    })
    .prefault({});

const node = z
  .strictObject({
    enforcement: z
      .boolean()
      .default(true)
      .describe(
        "Whether nodes follow policies, and block what config.enforcer.mode says. false: they collect for Kafka only, with fewer rights.",
      ),
    dataFolder: z
      .string()
      .regex(/^\/./, "must be an absolute path")
      .default("/var/lib/sluice")
      .describe("Folder of the node that holds the spool and the last good rules."),
    setSysctls: z
      .boolean()
      .default(true)
      .describe(
        "Whether nf_conntrack_acct and nf_conntrack_timestamp are switched on, without which a node counts nothing; false: the nodes have them.",
      ),
    maxUnavailable: z
      .union([z.int().min(1), z.string().regex(/^[1-9][0-9]?%$/)])
      .default("10%")
      .describe("Of how many nodes at a time it is replaced; their rules stay in force meanwhile."),
    secret: secret(),
    resources: resources("200m", "512Mi", "1536Mi"),
    nodeSelector: nodeSelector(),
    tolerations: tolerations(true),
  })
  .prefault({});

const archive = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Whether everything is kept in an archive on a volume."),
    size: z.string().min(1).default("100Gi").describe("Of its volume."),
    storageClass: z.string().default("").describe("Of its volume; empty: the cluster's usual one."),
    secret: secret(),
    resources: resources("200m", "768Mi", "2Gi"),
    ...placed,
  })
  .prefault({});

const networkPolicies = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe("Whether Sluice's own pods get NetworkPolicies. Nodes have no pod network."),
    metricsNamespace: z
      .string()
      .default("monitoring")
      .describe("Namespace of whoever reads /metrics; nobody else gets to it."),
    kafkaPorts: ports(9092, 9093).describe("Ports of Kafka, and of a schema registry."),
    elasticsearchPorts: ports(9200).describe("Ports of Elasticsearch."),
    redisPorts: ports(6379).describe("Ports of Redis."),
    apiServerPorts: ports(443, 6443).describe("Ports of the Kubernetes API server."),
  })
  .prefault({});

const metrics = z
  .strictObject({
    port: port.default(9464).describe("Where /metrics and the probes are."),
    podAddress: z.string().default("0.0.0.0").describe("On which addresses of pods; [::] where they have IPv6 alone."),
    nodeAddress: z
      .string()
      .default("$(NODE_ADDRESS)")
      .describe(
        "The same of nodes, whose network the node's pod shares; [$(NODE_ADDRESS)] where they have IPv6 alone.",
      ),
  })
  .prefault({});

/** All values, with their defaults; `version` is that of the image. */
export const valuesSchema = (version: string) =>
  z.strictObject({
    config: z
      .record(z.string(), z.unknown())
      .default({ enforcer: { mode: "observe" } })
      .describe(
        "Settings of all processes: docs/reference/config.md. With bus.brokers the stages run as Deployments, else each node keeps its own archive.",
      ),
    image: image(version),
    metrics,
    node,
    enrich: z
      .strictObject({
        replicas: replicas(2),
        secret: secret(),
        resources: resources("500m", "512Mi", "1Gi"),
        ...placed,
      })
      .prefault({}),
    watch: z
      .strictObject({
        audit: z
          .boolean()
          .default(false)
          .describe(
            "Whether a Service leads to config.audit.listen (port 9466) and admissionListen (9467): deploy/audit.",
          ),
        size: z.string().min(1).default("1Gi").describe("Of the volume that keeps what it knew last."),
        storageClass: z.string().default("").describe("Of its volume; empty: the cluster's usual one."),
        secret: secret(),
        resources: resources("100m", "384Mi", "1Gi"),
        ...placed,
      })
      .prefault({}),
    archive,
    elasticsearch: z
      .strictObject({
        replicas: replicas(2),
        secret: secret(),
        resources: resources("500m", "512Mi", "1536Mi"),
        ...placed,
      })
      .prefault({}),
    work: z
      .strictObject({ replicas: replicas(1), secret: secret(), resources: resources("50m", "192Mi", "1Gi"), ...placed })
      .prefault({}),
    tiers: z
      .strictObject({
        enabled: z
          .boolean()
          .default(true)
          .describe(
            "Whether policies are written by right of their tier: roles, admission policies and the built-in tiers.",
          ),
      })
      .prefault({}),
    networkPolicies,
    serviceMonitor: z
      .strictObject({
        enabled: z
          .boolean()
          .default(false)
          .describe("Whether a ServiceMonitor is made; the Prometheus Operator must be there."),
        interval: z.string().default("30s").describe("How often metrics are read."),
        labels: z.record(z.string(), z.string()).default({}).describe("By which the operator finds it."),
      })
      .prefault({}),
  });

export type Values = z.output<ReturnType<typeof valuesSchema>>;

/** What is given, over the defaults: mappings are merged field by field, as Helm does. Throws CONFIG_INVALID that names all faults. */
export function valuesOf(version: string, ...given: readonly unknown[]): Values {
  const schema = valuesSchema(version);
  const parsed = schema.safeParse([schema.parse({}), ...given].reduce(mergeValues));
  if (parsed.success) return parsed.data;
  throw new SluiceError("CONFIG_INVALID", `the values are not accepted:\n${z.prettifyError(parsed.error)}`);
}

/** Those under, with those over them; null takes away what is under it. */
export function mergeValues(under: unknown, over: unknown): unknown {
  if (!isMapping(under) || !isMapping(over)) return over;
  const merged = Object.entries(over).map(([name, value]) => [name, mergeValues(under[name], value)] as const);
  return Object.fromEntries([...Object.entries(under), ...merged].filter(([name]) => over[name] !== null));
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { stringify } from "yaml";
import { z } from "zod";
import { auditSection } from "./config-audit.ts";
import { elasticsearchSection } from "./config-elasticsearch.ts";
import { type ConfigSources, resolveConfig } from "./config-sources.ts";
import { parseListen } from "./http.ts";
import { logLevels } from "./log.ts";
import { type Setting, settingsOf } from "./settings.ts";

// The only place where a setting is declared. Strict at every level: a misspelt inner key must not pass in silence.
// docs/reference/config.md is generated from it.
const name = (fallback: string) =>
  z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be lower-case letters, digits, `-` and `.`")
    .default(fallback);
const count = (from: number, to = Number.MAX_SAFE_INTEGER) => z.int().min(from).max(to);

const locals = ["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"] as const;

const nodeNames = () =>
  z.array(z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be names of nodes")).default([]);
const namespaces = () =>
  z.array(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be names of namespaces")).default([]);

const sections = z.strictObject({
  cluster: z.strictObject({ name: name("local").describe("Name of the cluster, in every record.") }).prefault({}),
  node: z
    .strictObject({ name: name("localhost").describe("Name of the Kubernetes node this process runs on.") })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(logLevels).default("info").describe("The least severe messages written to stderr.") })
    .prefault({}),
  data: z
    .strictObject({
      folder: z
        .string()
        .min(1, "must not be empty")
        .default("./data")
        .describe("Where spool and archive are kept. One process writes to it at a time."),
    })
    .prefault({}),
  spool: z
    .strictObject({
      maxBytes: count(1_048_576)
        .default(1_073_741_824)
        .describe("What may wait in the spool; beyond it the oldest records are dropped, with a loss record."),
      maxAgeMs: count(60_000).default(86_400_000).describe("How long a record may wait in the spool."),
      syncMs: count(10, 10_000).default(1_000).describe("How often the spool is forced to the disk."),
    })
    .prefault({}),
  bus: z
    .strictObject({
      brokers: z
        .array(z.string().regex(/^[^\s:/]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/, "must be host:port"))
        .default([])
        .describe("Kafka brokers, any of them; none: there is no bus, everything runs in one process."),
      prefix: name("sluice").describe("How the names of topics and consumer groups begin."),
      partitions: count(1, 1_000)
        .default(12)
        .describe("Partitions of the topics of records: so many processes can share the work."),
      replicas: count(1, 10).default(3).describe("Copies of each partition; at most as many as there are brokers."),
      retentionMs: count(60_000)
        .default(259_200_000)
        .describe("How long records stay in a topic: so long may whoever reads them be away."),
      manageTopics: z
        .boolean()
        .default(true)
        .describe("Whether topics are made and adapted at start; false: somebody else does, and we need no right to."),
      tls: z.boolean().default(false).describe("Whether brokers are spoken to by TLS."),
      caFile: z
        .string()
        .default("")
        .describe("PEM file of who signed the brokers' certificates; by default as Node.js."),
      serverName: z
        .string()
        .default("")
        .describe("The name in the brokers' certificates, where it is not that of their addresses."),
      certificateFile: z.string().default("").describe("PEM file of our certificate, for brokers that ask for one."),
      keyFile: z.string().default("").describe("PEM file of its key."),
      sasl: z
        .enum(["none", "plain", "scram-sha-256", "scram-sha-512"])
        .default("none")
        .describe("How we say who we are."),
      username: z.string().default("").describe("For bus.sasl."),
      passwordFile: z
        .string()
        .default("")
        .describe("File that holds the password for bus.sasl, and nothing else; read again for each connection."),
      password: z
        .string()
        .default("")
        .meta({ secret: true })
        .describe("The password itself, where no file can be had; as a variable rather than a flag, which others see."),
    })
    .superRefine((bus, context) => {
      const must = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
      if (bus.sasl !== "none" && bus.username === "") must("username", "must be given with bus.sasl");
      if (bus.sasl !== "none" && (bus.passwordFile === "") === (bus.password === ""))
        must("passwordFile", "this or bus.password must be given with bus.sasl, and not both");
      if ((bus.certificateFile === "") !== (bus.keyFile === ""))
        must("keyFile", "bus.certificate-file and bus.key-file go together");
      const files = [bus.caFile, bus.certificateFile, bus.serverName];
      if (!bus.tls && files.some((file) => file !== "")) must("tls", "must be true where certificates are spoken of");
    })
    .prefault({}),
  schemaRegistry: z
    .strictObject({
      url: z
        .string()
        .regex(/^(https?:\/\/[^\s]+)?$/, "must be a URL")
        .default("")
        .describe(
          "Where the API of Confluent's Schema Registry is; with it messages are framed as Confluent's serializers do. Empty: their schema travels with them.",
        ),
      caFile: z.string().default("").describe("PEM file of who signed its certificate; by default as Node.js."),
      username: z.string().default("").describe("For basic authentication."),
      passwordFile: z.string().default("").describe("File that holds the password of that, and nothing else."),
    })
    .superRefine(({ username, passwordFile }, context) => {
      if ((username === "") !== (passwordFile === ""))
        context.addIssue({
          code: "custom",
          path: ["passwordFile"],
          message: "must be given with schemaRegistry.username",
        });
    })
    .prefault({}),
  archive: z
    .strictObject({
      flushMs: count(100, 10_000)
        .default(5_000)
        .describe("How long records may wait until the archive writes a file of them; then other processes see them."),
      retentionMs: count(0)
        .default(0)
        .describe(
          "How long flows, DNS and heartbeats stay in the archive after their hour; sluice work deletes older ones. 0: for ever.",
        ),
      memoryMb: count(64).default(512).describe("What a question to the archive may use of memory, in MiB."),
    })
    .prefault({}),
  work: z
    .strictObject({
      redis: z
        .string()
        .regex(/^(rediss?:\/\/[^\s@]+)?$/, "must be redis://host:port or rediss://host:port, without a password")
        .default("")
        .describe("Redis that says which process of sluice work does what; it holds nothing that is not done again."),
      redisPasswordFile: z.string().default("").describe("File that holds the password of Redis, and nothing else."),
      everyMs: count(1_000, 86_400_000).default(3_600_000).describe("How often each job is done."),
    })
    .prefault({}),
  elasticsearch: elasticsearchSection,
  audit: auditSection,
  read: z
    .strictObject({
      from: z
        .enum(["archive", "elasticsearch"])
        .default("archive")
        .describe(
          "Where flows, pairs, top and the other commands that look things up look: data.folder or elasticsearch.*.",
        ),
    })
    .prefault({}),
  syslog: z
    .strictObject({
      server: z
        .string()
        .regex(
          /^$|^(tls|tcp|udp):\/\/(\[[0-9A-Fa-f:.]+\]|[^:[\]/\s]+)(:\d{1,5})?$/,
          "must be tls://host:port, tcp:// or udp://",
        )
        .default("")
        .describe("Where sluice sink syslog sends to; ports are 6514, 601 and 514 if none is given."),
      facility: z
        .enum(["user", "daemon", "auth", "authpriv", "audit", ...locals])
        .default("local0")
        .describe("The facility of its messages."),
      caFile: z
        .string()
        .default("")
        .describe("PEM file of who signed the server's certificate; by default as Node.js."),
      certificateFile: z.string().default("").describe("PEM file of our certificate, for servers that ask for one."),
      keyFile: z.string().default("").describe("PEM file of its key."),
      connectionMs: count(10, 60_000)
        .default(1_000)
        .describe(
          "So long a connection takes records before it is ended, by which the server says that it has read them; as late Kafka learns of it.",
        ),
    })
    .superRefine((syslog, context) => {
      if ((syslog.certificateFile === "") !== (syslog.keyFile === ""))
        context.addIssue({
          code: "custom",
          path: ["keyFile"],
          message: "syslog.certificate-file and syslog.key-file go together",
        });
    })
    .prefault({}),
  file: z
    .strictObject({
      path: z.string().default("").describe("The file that sluice sink file appends to."),
      maxBytes: count(1_048_576).default(104_857_600).describe("Once it has so much, it is put aside as PATH.TIME."),
      maxAgeMs: count(60_000).default(86_400_000).describe("So long one is written to at most."),
      keep: count(0, 100_000).default(10).describe("How many that were put aside stay, the newest; 0: all."),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      listen: z
        .string()
        .refine((text) => text === "off" || parseListen(text) !== undefined, 'must be "address:port" or "off"')
        .default("127.0.0.1:9464")
        .describe("Where /metrics, /healthz and /readyz are served, without authentication; off: nowhere."),
    })
    .prefault({}),
  objects: z
    .strictObject({
      source: z
        .enum(["folder", "api"])
        .default("folder")
        .describe(
          "Where the cluster's objects and policies are. folder: objects.folder. api: the API server of objects.kubeconfig.",
        ),
      folder: z
        .string()
        .min(1, "must not be empty")
        .default("./manifests")
        .describe("Folder of Kubernetes YAML that holds the cluster's objects and policies; followed as it changes."),
      kubeconfig: z
        .string()
        .default("")
        .describe(
          "File that says where the API server is. Empty: $KUBECONFIG, ~/.kube/config, or the service account of the pod, whichever is there first.",
        ),
      context: z.string().default("").describe("Context of the kubeconfig; empty: its current one."),
      autoHostEndpoints: z
        .boolean()
        .default(false)
        .describe(
          "Whether each Node has a HostEndpoint of all its interfaces, NODE-auto-hep with the node's labels, as Calico's kube-controllers can make them.",
        ),
      rescanMs: count(100)
        .default(30_000)
        .describe(
          "How often the folder is read even if the kernel tells of no change (network file systems tell of none).",
        ),
    })
    .prefault({}),
  collector: z
    .strictObject({
      windowMs: count(100, 3_600_000)
        .default(15_000)
        .describe("Length of a flow record's window; windows are aligned to the epoch."),
      nflogGroup: count(1, 65_535).default(5).describe("Netlink group in which denied packets are logged."),
      receiveBufferBytes: count(212_992)
        .default(33_554_432)
        .describe("Kernel buffer of each netlink socket; larger ones survive longer bursts."),
    })
    .prefault({}),
  dns: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          "Whether DNS queries and answers are recorded, and flows named by what was asked for. It tells what people look at: docs/collector.md.",
        ),
      nflogGroup: count(1, 65_535).default(6).describe("Netlink group in which copies of DNS packets are logged."),
      maxPerSecond: count(1, 1_000_000)
        .default(2_000)
        .describe("DNS packets that the kernel copies per second on a node; those beyond are counted as lost."),
      maxNames: count(8, 1_048_576)
        .default(65_536)
        .describe("Addresses for which a node remembers what they were asked for by, of all clients together."),
      extraTtlMs: count(0, 86_400_000)
        .default(60_000)
        .describe("How long beyond its TTL an answer names connections: programs keep addresses for longer."),
    })
    .superRefine((section, context) => {
      if (section.enabled && section.nflogGroup < 4)
        context.addIssue({
          code: "custom",
          path: ["nflogGroup"],
          message: "must be at least 4: Felix and ulogd read those below",
        });
    })
    .prefault({}),
  enforcer: z
    .strictObject({
      mode: z
        .enum(["observe", "enforce"])
        .default("enforce")
        .describe("observe: decide and record, block nothing. enforce: write the rules to the kernel."),
      podInterfacePrefixes: z
        .array(z.string().regex(/^[A-Za-z0-9_.-]{1,14}$/, "must be 1 to 14 characters of an interface's name"))
        .min(1, "must name at least one")
        .default(["slp", "cali"])
        .describe("How the names of interfaces that lead to pods begin, on the node's side."),
      revoke: z
        .boolean()
        .default(true)
        .describe("Whether connections end that a change of policies or labels forbids; false: they go on."),
      deny: z
        .enum(["drop", "reject"])
        .default("drop")
        .describe(
          "drop: say nothing to who sent a denied packet. reject: TCP reset or ICMP error, where the kernel can answer.",
        ),
      logRate: z
        .int()
        .min(0)
        .max(100_000)
        .default(10)
        .describe(
          "Packets a second that are logged of one rule and source, after twice as many at once; others are counted. 0: all are logged.",
        ),
      podToHost: z
        .enum(["policy", "allow", "deny"])
        .default("policy")
        .describe(
          "What pods may send to their own node, after their egress policies. policy: what its host endpoints say; allow, deny: whatever they say.",
        ),
      antiSpoofing: z
        .boolean()
        .default(true)
        .describe("Deny packets of pods with an address that is not theirs, and of others with one of a pod."),
      unknownEndpoints: z
        .enum(["deny", "allow"])
        .default("deny")
        .describe("What becomes of packets of pod interfaces and pod addresses that belong to no known pod."),
      probeMs: z
        .int()
        .min(0)
        .max(3_600_000)
        .refine((ms) => ms === 0 || ms >= 1_000, "must be 0 or at least 1000")
        .default(30_000)
        .describe("How often packets through the node's own hooks prove that the rules are in force; 0: never."),
      observedNodes: nodeNames().describe("Nodes that only observe, whatever the mode: they have no rules of ours."),
      observedNamespaces: namespaces().describe(
        "In mode enforce: namespaces whose pods get no policy in either direction, while records tell what it would decide.",
      ),
      enforcedNamespaces: namespaces().describe(
        "In mode observe: the only namespaces whose pods get policy. Pods that nobody knows pass then.",
      ),
      guard: z
        .enum(["enforce", "warn", "off"])
        .default("enforce")
        .describe(
          "What becomes of a policy change that closes a guarded path: enforce: it is held, the last good rules stay. warn: it is told.",
        ),
      guardedPaths: z
        .array(z.string().min(1, "must be paths"))
        .default([])
        .describe(
          "Paths that no change may close, beside those of kubelet, API server, etcd and DNS: `from -> to : tcp/port`, where an end is " +
            "namespace/pod, namespace/*, node:NAME, node:*, a CIDR or a selector.",
        ),
      canaryNodes: nodeNames().describe("Nodes that get changed policies first."),
      canaryMs: count(0, 86_400_000)
        .default(60_000)
        .describe(
          "How much later the other nodes get them, if there are canary nodes and none of them reports trouble.",
        ),
      confirmMs: count(0, 604_800_000)
        .default(0)
        .describe(
          "How long changed policies stay in force unless `sluice enforce confirm` is called; then the last confirmed ones return. 0: for good.",
        ),
      breakGlassMaxMs: count(60_000, 604_800_000)
        .default(14_400_000)
        .describe("The longest time that `sluice enforce break-glass` may ask for."),
    })
    .superRefine((section, context) => {
      for (const [key, mode] of [
        ["observedNamespaces", "enforce"],
        ["enforcedNamespaces", "observe"],
      ] as const)
        if (section[key].length > 0 && section.mode !== mode)
          context.addIssue({ code: "custom", path: [key], message: `must be empty unless enforcer.mode is ${mode}` });
    })
    .prefault({}),
  enricher: z
    .strictObject({
      agreementSample: count(0, 1_000_000)
        .default(16)
        .describe("Of so many new connections one is judged again by the evaluator, and every denial; 0: none."),
      holdBackMs: count(0, 60_000)
        .default(5_000)
        .describe("How long a record waits for the owner of a fresh address of the cluster."),
      deletedPodsKeptMs: count(0)
        .default(600_000)
        .describe("How long a deleted pod is remembered as the owner of its address."),
    })
    .prefault({}),
});

const schema = sections.superRefine(({ collector, dns }, context) => {
  if (dns.enabled && dns.nflogGroup === collector.nflogGroup)
    context.addIssue({ code: "custom", path: ["dns", "nflogGroup"], message: "must not be collector.nflog-group" });
});

export type Config = z.output<typeof schema>;

/** Every setting there is: for the command line's options and for docs/reference/config.md. */
export const settings: readonly Setting[] = settingsOf(schema);

/** What a configuration file may hold, as JSON Schema; passwords belong into files of their own. */
export function configFileSchema(): object {
  return withoutSecrets(z.toJSONSchema(schema, { io: "input" })) as object;
}

function withoutSecrets(node: unknown): unknown {
  if (typeof node !== "object" || node === null || Array.isArray(node)) return node;
  const isSecret = (child: unknown) => typeof child === "object" && child !== null && "secret" in child;
  const kept = Object.entries(node).filter(([, child]) => !isSecret(child));
  return Object.fromEntries(kept.map(([name, child]) => [name, withoutSecrets(child)]));
}

/** Reads the effective configuration. Throws CONFIG_INVALID that lists all faults. */
export function parseConfig(sources: ConfigSources): Config {
  return resolveConfig(schema, settings, sources);
}

/** YAML of a configuration, fit for a file; secrets are masked. */
export function printConfig(config: Config): string {
  const masked = structuredClone(config) as Record<string, Record<string, unknown>>;
  for (const { path, secret } of settings) {
    const [section, key] = path.split(".") as [string, string];
    if (secret && masked[section]?.[key]) masked[section][key] = "***"; // an empty one says that there is none
  }
  return stringify(masked);
}

import type { Acl, AclOperation } from "../../core/bus-kafka/acls.ts";
import type { Config } from "../../core/config.ts";
import { groupName, type TopicKind, topicKinds, topicName } from "./topics.ts";

/** What a process does with the bus, and so what it must be allowed. */
interface Role {
  readonly about: string;
  readonly writes: readonly TopicKind[];
  readonly reads: readonly TopicKind[];
  /** Of its consumer groups, without the prefix; of those that read. */
  readonly group?: string;
}

const records = [
  "flows",
  "dns",
  "losses",
  "heartbeats",
  "endpoints",
  "programs",
  "changes",
] as const satisfies readonly TopicKind[];

/** The only place that says who may do what. */
export const roles = {
  collector: {
    about: "sluice collect",
    writes: ["flows.raw", "dns.raw", "losses", "heartbeats"],
    reads: [],
  },
  enricher: {
    about: "sluice enrich",
    writes: ["flows", "dns", "dead"],
    reads: ["flows.raw", "dns.raw"],
    group: "enrich",
  },
  watcher: { about: "sluice watch", writes: ["endpoints", "programs", "changes"], reads: [] },
  sink: { about: "sluice sink archive", writes: ["dead"], reads: records, group: "archive" },
  worker: {
    about: "jobs that look after topics: dead letters read, and written back where they came from",
    writes: Object.keys(topicKinds) as readonly TopicKind[],
    reads: ["dead"],
    group: "work",
  },
  reader: { about: "who looks: sluice bus lag, people with their own tools", writes: [], reads: records, group: "read" },
  admin: { about: "sluice bus topics --apply, sluice bus acls --apply", writes: [], reads: [] },
} as const satisfies Readonly<Record<string, Role>>;

export type RoleName = keyof typeof roles;
export const roleNames = Object.keys(roles) as readonly RoleName[];

/**
 * Exactly what a role needs, where `bus.manage-topics` is false. Read and Write imply Describe. An idempotent producer needs no right of its own
 * since Kafka 2.8 (KIP-679): Write on a topic is enough.
 */
export function aclsOf(config: Config, name: RoleName): readonly Acl[] {
  const prefix = `${config.bus.prefix}.`;
  if (name === "admin")
    return [
      topics(prefix, ["Create", "Describe", "DescribeConfigs", "Alter", "AlterConfigs"]),
      { resource: "cluster", name: "kafka-cluster", pattern: "literal", operations: ["Alter"] },
    ];
  const role: Role = roles[name];
  const both = (Object.keys(topicKinds) as readonly TopicKind[]).flatMap((kind): readonly Acl[] => {
    const operations: AclOperation[] = [];
    if (role.reads.includes(kind)) operations.push("Read");
    if (role.writes.includes(kind)) operations.push("Write");
    if (operations.length === 0) return [];
    return [{ resource: "topic", name: topicName(config, kind), pattern: "literal", operations }];
  });
  const groups = role.group === undefined ? [] : [group(`${groupName(config, role.group)}.`, ["Read"])];
  const seen = name === "reader" ? [topics(prefix, ["Describe"]), group(prefix, ["Describe"])] : [];
  return [...both, ...groups, ...seen];
}

const topics = (name: string, operations: readonly AclOperation[]): Acl => ({
  resource: "topic",
  name,
  pattern: "prefixed",
  operations,
});
const group = (name: string, operations: readonly AclOperation[]): Acl => ({
  resource: "group",
  name,
  pattern: "prefixed",
  operations,
});

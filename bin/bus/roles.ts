import type { Acl, AclOperation } from "../../core/bus-kafka/acls.ts";
import type { Config } from "../../core/config.ts";
import { groupName, type TopicKind, topicKinds, topicName } from "./topics.ts";

/** What a process does with the bus, and so what it must be allowed. */
interface Role {
  readonly about: string;
  readonly writes: readonly TopicKind[];
  readonly reads: readonly TopicKind[];
  /** Of its consumer groups, without the prefix, how they begin; of those that read. */
  readonly groups: readonly string[];
  /** Of its transactions too. */
  readonly transactions?: string;
  /** Whether a person may give its group another name. */
  readonly isNamed?: true;
}

const kinds = Object.keys(topicKinds) as readonly TopicKind[];
const records = ["flows", "dns", "losses", "heartbeats", "endpoints", "programs", "changes"] as const;
const sent = ["flows.raw", "dns.raw", "losses", "heartbeats"] as const;
const watched = ["endpoints", "programs", "changes"] as const;
const chosen = ["flows", "dns", "losses", "changes"] as const;

/** The only place that says who may do what. A group `reader` looks at what topics keep, and commits nothing. */
export const roles = {
  collector: { about: "sluice collect", writes: sent, reads: [], groups: [] },
  enricher: {
    about: "sluice enrich",
    writes: ["flows", "dns", "dead"],
    // What it has done stands in what it wrote; whom it names, in what the watcher told.
    reads: ["flows.raw", "dns.raw", "flows", "dns", "endpoints", "programs"],
    groups: ["enrich", "reader"],
    transactions: "enrich",
  },
  watcher: { about: "sluice watch", writes: watched, reads: ["endpoints", "programs"], groups: ["reader"] },
  archive: { about: "sluice sink archive", writes: ["seals", "dead"], reads: records, groups: ["archive"] },
  elasticsearch: {
    about: "sluice sink elasticsearch",
    writes: ["dead"],
    reads: ["flows", "dns", "losses", "heartbeats", "changes"],
    groups: ["elasticsearch"],
  },
  syslog: { about: "sluice sink syslog", writes: ["dead"], reads: chosen, groups: ["syslog"], isNamed: true },
  file: { about: "sluice sink file", writes: ["dead"], reads: chosen, groups: ["file"], isNamed: true },
  up: {
    about: "sluice up --bus kafka: all of it in one process",
    writes: [...sent, "flows", "dns", ...watched, "seals", "dead"],
    reads: ["flows.raw", "dns.raw", ...records],
    groups: ["enrich", "archive", "reader"],
    transactions: "enrich",
  },
  worker: { about: "sluice work", writes: ["changes"], reads: [], groups: [] },
  undertaker: {
    about: "sluice dead: letters are read, noted, and written back where they came from",
    writes: kinds.filter((kind) => kind !== "dead"),
    reads: ["dead", "dead.handled"],
    groups: ["reader"],
  },
  reader: {
    about: "who looks: sluice bus topics, sluice bus lag, sluice doctor, people with their own tools",
    writes: [],
    reads: [...records, "seals"],
    groups: ["read"],
  },
  admin: { about: "sluice bus topics --apply, sluice bus acls --apply", writes: [], reads: [], groups: [] },
} as const satisfies Readonly<Record<string, Role>>;

export type RoleName = keyof typeof roles;
export const roleNames = Object.keys(roles) as readonly RoleName[];

/** Whether a sink of this role may have a group of another name (`--group`). */
export const isNamed = (name: RoleName): boolean => (roles[name] as Role).isNamed === true;

/**
 * Exactly what a role needs, where `bus.manage-topics` is false; `own` is its consumer group, for a sink that was given another. Read and
 * Write imply Describe. An idempotent producer needs no right of its own since Kafka 2.8 (KIP-679): Write on a topic is enough.
 */
export function aclsOf(config: Config, name: RoleName, own?: string): readonly Acl[] {
  const prefix = `${config.bus.prefix}.`;
  if (name === "admin")
    return [
      prefixed("topic", prefix, ["Create", "Describe", "DescribeConfigs", "Alter", "AlterConfigs"]),
      { resource: "cluster", name: "kafka-cluster", pattern: "literal", operations: ["Alter"] },
    ];
  const role: Role = roles[name];
  const groups = own === undefined ? role.groups : [own];
  const begins = (named: string) => `${groupName(config, named)}.`;
  return [
    ...kinds.flatMap((kind) => onTopic(config, role, kind)),
    ...groups.map((group) => prefixed("group", begins(group), ["Read"])),
    ...(role.transactions === undefined
      ? []
      : [prefixed("transaction", begins(role.transactions), ["Write", "Describe"])]),
    ...(name === "reader"
      ? [prefixed("topic", prefix, ["Describe", "DescribeConfigs"]), prefixed("group", prefix, ["Describe"])]
      : []),
  ];
}

function onTopic(config: Config, { reads, writes }: Role, kind: TopicKind): readonly Acl[] {
  const operations: AclOperation[] = [];
  if (reads.includes(kind)) operations.push("Read");
  if (writes.includes(kind)) operations.push("Write");
  if (operations.length === 0) return [];
  return [{ resource: "topic", name: topicName(config, kind), pattern: "literal", operations }];
}

function prefixed(resource: Acl["resource"], name: string, operations: readonly AclOperation[]): Acl {
  return { resource, name, pattern: "prefixed", operations };
}

import type { TopicPlan } from "../../core/bus-kafka/topics.ts";
import type { Config } from "../../core/config.ts";

/** What the topics of records hold; their names begin with `bus.prefix`. */
export const topicKinds = {
  "flows.raw": "what collectors saw of connections",
  "dns.raw": "what collectors saw of DNS",
  flows: "connections with who, which Service and which policy",
  dns: "DNS with who asked",
  losses: "what was not seen or not kept",
  heartbeats: "signs of life of collectors",
  endpoints: "who had which address, from when to when",
  programs: "what a revision of the policies means",
  changes: "changes of controls",
  seals: "files of the archive that will never change, by their hashes",
  dead: "messages that nobody could read, with where they stood and why",
} as const;

export type TopicKind = keyof typeof topicKinds;

export const topicName = ({ bus }: Config, kind: TopicKind): string => `${bus.prefix}.${kind}`;
export const groupName = ({ bus }: Config, group: string): string => `${bus.prefix}.${group}`;

/** Few and read from their beginning, so they stay: whoever starts makes his memory of them. */
const kept: ReadonlySet<TopicKind> = new Set(["endpoints", "programs", "seals"]);
/** A tenth of it is loss enough to notice. */
const few: ReadonlySet<TopicKind> = new Set(["endpoints", "programs", "changes", "seals", "dead"]);

export function topicPlans(config: Config): readonly TopicPlan[] {
  const { partitions, replicas, retentionMs } = config.bus;
  return (Object.keys(topicKinds) as readonly TopicKind[]).map((kind) => ({
    name: topicName(config, kind),
    partitions: few.has(kind) ? 1 : partitions,
    replicas,
    settings: {
      "retention.ms": kept.has(kind) ? "-1" : String(retentionMs),
      "cleanup.policy": "delete",
      "min.insync.replicas": String(Math.max(1, replicas - 1)),
    },
  }));
}

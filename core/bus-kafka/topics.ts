import type { Admin, Kafka } from "kafkajs";
import type { Log } from "../log.ts";
import { connectTo, type KafkaConnection } from "./connection.ts";

/** A topic as it should be. */
export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  /** Copies of each partition. */
  readonly replicas: number;
  /** By Kafka's names: `retention.ms`, `cleanup.policy`. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What was done, or would have to be, for people. */
export interface TopicChange {
  readonly topic: string;
  readonly what: string;
}

/**
 * Makes topics that are missing, adds partitions and changes settings that differ; never takes partitions away. More partitions move keys to
 * others: the order of a key holds from then on only.
 */
export async function ensureTopics(
  connection: KafkaConnection,
  plans: readonly TopicPlan[],
  log: Log,
): Promise<readonly TopicChange[]> {
  return withAdmin(connectTo(connection, log), async (admin) => {
    const there = new Set(await admin.listTopics());
    const changes: TopicChange[] = [];
    for (const plan of plans) {
      if (!there.has(plan.name)) changes.push(await create(admin, plan));
      else changes.push(...(await adapt(admin, plan)));
    }
    return changes;
  });
}

async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function create(admin: Admin, { name, partitions, replicas, settings }: TopicPlan): Promise<TopicChange> {
  const configEntries = Object.entries(settings).map(([setting, value]) => ({ name: setting, value }));
  // Another process may be as quick.
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic: name, numPartitions: partitions, replicationFactor: replicas, configEntries }],
  });
  return { topic: name, what: `made, ${partitions} partitions, ${replicas} ${replicas === 1 ? "copy" : "copies"}` };
}

async function adapt(admin: Admin, plan: TopicPlan): Promise<readonly TopicChange[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [plan.name] });
  const partitions = topics[0]?.partitions.length ?? 0;
  const changes: TopicChange[] = [];
  if (partitions < plan.partitions) {
    await admin.createPartitions({ topicPartitions: [{ topic: plan.name, count: plan.partitions }] });
    changes.push({ topic: plan.name, what: `${partitions} partitions became ${plan.partitions}` });
  }
  return [...changes, ...(await adaptSettings(admin, plan))];
}

const topicResource = 2;

async function adaptSettings(admin: Admin, { name, settings }: TopicPlan): Promise<readonly TopicChange[]> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: topicResource, name, configNames: Object.keys(settings) }],
  });
  const now = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
  const differing = Object.entries(settings).filter(([setting, value]) => now.get(setting) !== value);
  if (differing.length === 0) return [];
  const configEntries = Object.entries(settings).map(([setting, value]) => ({ name: setting, value }));
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: topicResource, name, configEntries }] });
  return differing.map(([setting, value]) => ({
    topic: name,
    what: `${setting} was ${now.get(setting) ?? "unset"}, is ${value}`,
  }));
}

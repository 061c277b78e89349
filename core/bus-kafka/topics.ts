import type { Admin } from "kafkajs";
import { type Clock, systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { withAdmin } from "./admin.ts";
import type { KafkaConnection } from "./connection.ts";

/** A topic as it should be. */
export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  /** Copies of each partition. */
  readonly replicas: number;
  /** By Kafka's names: `retention.ms`, `cleanup.policy`. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A topic as it should be, and as it is. */
export interface TopicState {
  readonly plan: TopicPlan;
  /** Undefined: there is none. */
  readonly now: Omit<TopicPlan, "name"> | undefined;
}

/** What was done, or would have to be, for people. */
export interface TopicChange {
  readonly topic: string;
  readonly what: string;
  /** Whether `ensureTopics` does it: copies are moved by Kafka's own tools, partitions are never taken away. */
  readonly isOurs: boolean;
}

/**
 * Makes topics that are missing, adds partitions and changes settings that differ; never takes partitions away. More partitions move keys to
 * others: the order of a key holds from then on only.
 */
export async function ensureTopics(
  connection: KafkaConnection,
  plans: readonly TopicPlan[],
  log: Log,
  clock: Clock = systemClock,
): Promise<readonly TopicChange[]> {
  return withAdmin(connection, log, async (admin) => {
    const changes: TopicChange[] = [];
    for (const state of await statesOf(admin, plans)) {
      await adapt(admin, state, clock);
      changes.push(...changesOf(state).filter(({ isOurs }) => isOurs));
    }
    return changes;
  });
}

/** Changes nothing. */
export function topicStates(
  connection: KafkaConnection,
  plans: readonly TopicPlan[],
  log: Log,
): Promise<readonly TopicState[]> {
  return withAdmin(connection, log, (admin) => statesOf(admin, plans));
}

export function changesOf({ plan, now }: TopicState): readonly TopicChange[] {
  const change = (what: string, isOurs = true) => ({ topic: plan.name, what, isOurs });
  const { partitions, replicas, settings } = plan;
  if (now === undefined)
    return [change(`made, ${partitions} partitions, ${replicas} ${replicas === 1 ? "copy" : "copies"}`)];
  return [
    ...(now.partitions < partitions ? [change(`${now.partitions} partitions became ${partitions}`)] : []),
    ...(now.partitions > partitions
      ? [change(`${now.partitions} partitions are more than ${partitions}, and stay`, false)]
      : []),
    ...(now.replicas === replicas
      ? []
      : [change(`${now.replicas} copies, not ${replicas}: move them with kafka-reassign-partitions`, false)]),
    ...differing(settings, now.settings).map(([name, value]) =>
      change(`${name} was ${now.settings[name] ?? "unset"}, is ${value}`),
    ),
  ];
}

async function statesOf(admin: Admin, plans: readonly TopicPlan[]): Promise<readonly TopicState[]> {
  const there = new Set(await admin.listTopics());
  const known = plans.filter(({ name }) => there.has(name));
  if (known.length === 0) return plans.map((plan) => ({ plan, now: undefined }));
  const { topics } = await admin.fetchTopicMetadata({ topics: known.map(({ name }) => name) });
  const settings = await settingsOf(admin, known);
  return plans.map((plan) => {
    const topic = topics.find(({ name }) => name === plan.name);
    if (topic === undefined) return { plan, now: undefined };
    const replicas = Math.min(...topic.partitions.map((partition) => partition.replicas.length));
    const now = { partitions: topic.partitions.length, replicas, settings: settings.get(plan.name) ?? {} };
    return { plan, now };
  });
}

const topicResource = 2;

async function settingsOf(
  admin: Admin,
  plans: readonly TopicPlan[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: plans.map(({ name, settings }) => ({ type: topicResource, name, configNames: Object.keys(settings) })),
  });
  const named = resources.map(({ resourceName, configEntries }) => {
    const settings = configEntries.map(({ configName, configValue }) => [configName, configValue] as const);
    return [resourceName, Object.fromEntries(settings)] as const;
  });
  return new Map(named);
}

async function adapt(admin: Admin, { plan, now }: TopicState, clock: Clock): Promise<void> {
  const { name, partitions, settings } = plan;
  if (now === undefined) return create(admin, plan, clock);
  if (now.partitions < partitions) await admin.createPartitions({ topicPartitions: [{ topic: name, count: partitions }] });
  if (differing(settings, now.settings).length === 0) return;
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: topicResource, name, configEntries: entriesOf(settings) }],
  });
}

async function create(admin: Admin, { name, partitions, replicas, settings }: TopicPlan, clock: Clock): Promise<void> {
  // Another process may be as quick: then it is there, and nothing was made.
  await admin.createTopics({
    waitForLeaders: false,
    topics: [{ topic: name, numPartitions: partitions, replicationFactor: replicas, configEntries: entriesOf(settings) }],
  });
  for (let turn = 0; turn < leaderTurns && !(await hasLeaders(admin, name)); turn++) await clock.sleep(leaderPauseMs);
}

const leaderTurns = 50;
const leaderPauseMs = 100;

/** Brokers hear of a new topic one after the other; who does not know it yet says so. */
async function hasLeaders(admin: Admin, topic: string): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false;
  } catch (cause) {
    if ((cause as { readonly retriable?: boolean }).retriable === true) return false;
    throw cause;
  }
}

function differing(wanted: TopicPlan["settings"], now: TopicPlan["settings"]): readonly (readonly [string, string])[] {
  return Object.entries(wanted).filter(([name, value]) => now[name] !== value);
}

const entriesOf = (settings: TopicPlan["settings"]) =>
  Object.entries(settings).map(([name, value]) => ({ name, value }));

import type { Admin } from "kafkajs";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { withAdmin } from "./admin.ts";
import type { KafkaConnection } from "./connection.ts";

/** How far a group is behind in a partition. */
export interface PartitionLag {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Messages that are not acked. */
  readonly messages: number;
  /** Age of the oldest of them; null if there is none. */
  readonly seconds: number | null;
}

/** The age is found within this share of it. */
const exactness = 0.02;
const leastSeconds = 0.1;

/**
 * What groups whose name begins so have not acked, as brokers know it: also of groups that nobody is in. A group's name ends with its topic's, as
 * member.ts makes it.
 */
export function groupLags(
  connection: KafkaConnection,
  names: { readonly groupPrefix: string; readonly topics: readonly string[] },
  clock: Clock,
  log: Log,
): Promise<readonly PartitionLag[]> {
  return withAdmin(connection, log, async (admin) => {
    const { groups } = await admin.listGroups();
    const ours = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(names.groupPrefix));
    const lags: PartitionLag[] = [];
    for (const group of ours.sort())
      for (const topic of names.topics.filter((name) => group.endsWith(`.${name}`)))
        lags.push(...(await lagsOf(admin, group, topic, clock)));
    return lags;
  });
}

async function lagsOf(admin: Admin, group: string, topic: string, clock: Clock): Promise<readonly PartitionLag[]> {
  const ends = await admin.fetchTopicOffsets(topic);
  const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  const lags = ends.map(async ({ partition, low, high }) => {
    const done = committed?.partitions.find((one) => one.partition === partition)?.offset ?? "-1";
    // What a group never committed it begins at the first message that is kept; so it does if that is gone.
    const next = BigInt(done) < BigInt(low) ? BigInt(low) : BigInt(done);
    const messages = Number(BigInt(high) - next);
    const seconds = messages > 0 ? await ageAt(admin, { topic, partition }, next, clock) : null;
    return { group, topic, partition, messages: Math.max(0, messages), seconds };
  });
  return Promise.all(lags);
}

/** Brokers tell which offset a time has, not which time an offset: so the time is looked for, in steps that halve. */
async function ageAt(
  admin: Admin,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  offset: bigint,
  clock: Clock,
): Promise<number> {
  const now = clock.now();
  /** Whether the record at the offset is older than that. */
  const isOlder = async (seconds: number) => {
    const found = await admin.fetchTopicOffsetsByTimestamp(topic, Math.floor(now - 1_000 * seconds));
    return BigInt(found.find((one) => one.partition === partition)?.offset ?? 0) > offset;
  };
  let [younger, older] = [0, 1];
  while (older < 1e9 && (await isOlder(older))) [younger, older] = [older, 4 * older];
  while (older - younger > Math.max(leastSeconds, exactness * older)) {
    const middle = (younger + older) / 2;
    if (await isOlder(middle)) younger = middle;
    else older = middle;
  }
  return younger;
}

import type { PartitionLag } from "../../core/bus-kafka/lag.ts";
import { changesOf, type TopicState } from "../../core/bus-kafka/topics.ts";
import { messageOf } from "../../core/errors.ts";
import { bytesText } from "../../sinks/live/text.ts";
import { type Finding, fail, ok, warn } from "./check.ts";

// What Sluice stands on beyond this machine: Kafka and Elasticsearch, where the configuration names them.

/** What of Kafka a doctor asks; each fails with an error that says what to do. */
export interface AskedKafka {
  topics(): Promise<readonly TopicState[]>;
  lags(): Promise<readonly PartitionLag[]>;
}

/** What of Elasticsearch a doctor asks. */
export interface AskedElastic {
  /** The body of an answer. */
  get(path: string): Promise<unknown>;
  /** What would have to be done about each template. */
  templates(): Promise<readonly { readonly name: string; readonly step: string }[]>;
  nowMs(): number;
}

/** Behind by as much, what people look at is not what happens. */
const longSeconds = 60;
/** Owners of addresses are found by time: beyond it they may be wrong. */
const skewMs = 2_000;

export async function examineKafka(kafka: AskedKafka): Promise<readonly Finding[]> {
  return [
    ...(await looked("topics", async () => topicFindings(await kafka.topics()))),
    ...(await looked("lag", async () => lagFindings(await kafka.lags()))),
  ];
}

export async function examineElastic(elastic: AskedElastic): Promise<readonly Finding[]> {
  const version = await looked("elasticsearch", async () => versionFindings(await elastic.get("/")));
  if (version.some(({ status }) => status === "fail")) return version;
  return [
    ...version,
    ...(await looked("elasticsearch", async () => healthFindings(await elastic.get("/_cluster/health")))),
    ...(await looked("elasticsearch", () => nodeFindings(elastic))),
    ...(await looked("templates", async () => templateFindings(await elastic.templates()))),
  ];
}

async function looked(subject: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (thrown) {
    return [fail(subject, messageOf(thrown), "see the message, and docs/runbook.md")];
  }
}

function topicFindings(states: readonly TopicState[]): readonly Finding[] {
  const changes = states.flatMap(changesOf);
  if (changes.length === 0) return [ok("topics", `${states.length} topics are as they should be`)];
  return changes.map(({ topic, what, isOurs }) =>
    warn(
      "topics",
      `${topic}: ${what}`,
      isOurs ? "sluice bus topics --apply, or let processes do it (bus.manage-topics)" : what,
    ),
  );
}

function lagFindings(lags: readonly PartitionLag[]): readonly Finding[] {
  const groups = [...Map.groupBy(lags, ({ group }) => group)].sort(([a], [b]) => (a < b ? -1 : 1));
  return groups.map(([group, partitions]) => {
    const messages = partitions.reduce((sum, one) => sum + one.messages, 0);
    const seconds = Math.max(0, ...partitions.map((one) => one.seconds ?? 0));
    const text = `${group} is ${messages} messages and ${Math.round(seconds)} s behind`;
    const fix = "is it running? If it is: more of them, up to bus.partitions; docs/runbook.md#sluicestoreslow";
    return seconds > longSeconds ? warn("lag", text, fix) : ok("lag", text);
  });
}

function versionFindings(answer: unknown): readonly Finding[] {
  const { number = "" } = (answer as { readonly version?: { readonly number?: string } } | null)?.version ?? {};
  const major = Number(number.split(".")[0]);
  const text = `version ${number || "unknown"}`;
  if (major >= 8) return [ok("elasticsearch", text)];
  return [fail("elasticsearch", text, "use Elasticsearch 8 or 9")];
}

function healthFindings(answer: unknown): readonly Finding[] {
  const { status } = answer as { readonly status?: string };
  if (status === "green") return [ok("elasticsearch", "its health is green")];
  if (status === "yellow")
    return [
      warn("elasticsearch", "its health is yellow: copies are missing", "more nodes, or elasticsearch.replicas lower"),
    ];
  return [fail("elasticsearch", `its health is ${status ?? "unknown"}`, "GET _cluster/allocation/explain says why")];
}

interface NodeStats {
  readonly name?: string;
  readonly timestamp?: number;
  readonly fs?: { readonly total?: { readonly total_in_bytes?: number; readonly available_in_bytes?: number } };
}

/** Its watermarks (cluster.routing.allocation.disk.watermark.low and high): no new shards, and shards moved away. */
const watermarks = { low: 0.85, high: 0.9 } as const;

async function nodeFindings(elastic: AskedElastic): Promise<readonly Finding[]> {
  const before = elastic.nowMs();
  const { nodes = {} } = (await elastic.get("/_nodes/stats/fs")) as {
    readonly nodes?: Readonly<Record<string, NodeStats>>;
  };
  const after = elastic.nowMs();
  return Object.values(nodes).flatMap((node) => [...diskFindings(node), ...clockFindings(node, before, after)]);
}

function diskFindings({ name = "?", fs }: NodeStats): readonly Finding[] {
  const { total_in_bytes: total = 0, available_in_bytes: free = 0 } = fs?.total ?? {};
  if (total === 0) return [];
  const [share, text] = [1 - free / total, `${bytesText(free)} of ${bytesText(total)} free on its node ${name}`];
  const fix = "more disk, or shorter elasticsearch.retention-ms and sluice elasticsearch expire";
  if (share >= watermarks.high) return [fail("elasticsearch", text, fix)];
  return [share >= watermarks.low ? warn("elasticsearch", text, fix) : ok("elasticsearch", text)];
}

/** Its answer was made between question and answer. */
function clockFindings({ name = "?", timestamp }: NodeStats, before: number, after: number): readonly Finding[] {
  if (timestamp === undefined) return [];
  const skew = timestamp < before ? before - timestamp : Math.max(0, timestamp - after);
  if (skew <= skewMs) return [ok("clock", `that of Elasticsearch's node ${name} agrees with ours`)];
  const text = `that of Elasticsearch's node ${name} is ${(skew / 1000).toFixed(1)} s ${timestamp < before ? "behind" : "ahead of"} ours`;
  return [warn("clock", text, "keep both by NTP")];
}

function templateFindings(templates: readonly { readonly name: string; readonly step: string }[]): readonly Finding[] {
  const [missing, changed, newer] = ["create|update", "changed", "newer"].map((steps) =>
    templates.filter(({ step }) => steps.split("|").includes(step)).map(({ name }) => name),
  ) as [string[], string[], string[]];
  const some = (names: readonly string[], text: string, fix: string) =>
    names.length === 0 ? [] : [warn("templates", `${names.join(", ")}: ${text}`, fix)];
  const found = [
    ...some(
      missing,
      "not there, or of an earlier Sluice",
      "sluice elasticsearch templates, or start sluice sink elasticsearch",
    ),
    ...some(
      changed,
      "changed by somebody",
      "put it into sluice@custom, then --elasticsearch.force-templates true once",
    ),
    ...some(newer, "written by a later Sluice", "upgrade this one"),
  ];
  return found.length === 0 ? [ok("templates", `${templates.length} templates are as they should be`)] : found;
}

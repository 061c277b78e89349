import { readFileSync } from "node:fs";

/** A process of the pipeline. */
export interface Stage {
  readonly name: string;
  readonly pid: number;
  /** Where its metrics are. */
  readonly metrics: string;
}

/** CPU seconds of a process so far; proc_pid_stat(5), fields 14 and 15, in ticks of 10 ms. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The most memory that a process had, MiB; proc_pid_status(5). */
export function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** What a histogram of Prometheus says: the mean, and the bound below which 99 of 100 are; seconds. */
interface Freshness {
  readonly count: number;
  readonly mean: number;
  readonly below: number;
}

/** sluice_store_freshness_seconds of a stage, of flows. */
export async function freshnessOf(stage: Stage): Promise<Freshness> {
  return freshnessIn(await metricsOf(stage));
}

/** How many bulk requests a sink has sent, and how many seconds one took. */
export async function bulksOf(stage: Stage): Promise<{ readonly count: number; readonly mean: number }> {
  const text = await metricsOf(stage);
  const reading = (what: string) =>
    Number(new RegExp(`^sluice_elasticsearch_bulk_seconds_${what} (\\S+)$`, "m").exec(text)?.[1]);
  return { count: reading("count"), mean: reading("sum") / reading("count") };
}

async function metricsOf({ metrics }: Stage): Promise<string> {
  return (await fetch(`http://${metrics}/metrics`)).text();
}

/** Sums what stands there of raw and of enriched flows: a process stores one of them. */
function freshnessIn(text: string): Freshness {
  const [buckets, sums] = [new Map<number, number>(), { sum: 0, count: 0 }];
  const line = /^sluice_store_freshness_seconds_(bucket|sum|count)\{(.*)\} (\S+)$/gm;
  for (const [, what, labels = "", value] of text.matchAll(line)) {
    if (!/kind="(raw-)?flow"/.test(labels)) continue;
    if (what !== "bucket") {
      sums[what as "sum" | "count"] += Number(value);
      continue;
    }
    const bound = /le="([^"]+)"/.exec(labels)?.[1];
    buckets.set(bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound), Number(value));
  }
  const below = [...buckets].find(([, count]) => count >= 0.99 * sums.count)?.[0] ?? Number.NaN;
  return { count: sums.count, mean: sums.sum / sums.count, below };
}

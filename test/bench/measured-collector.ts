import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { getPriority, setPriority, tmpdir } from "node:os";
import { Collector } from "../../collectors/collector.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import type { Source } from "../../core/pipeline.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { LoadLab } from "./load-lab.ts";

/** What a run of the collector told; flows only if they were asked for. */
export interface Run {
  readonly collector: Collector;
  readonly flows: RawFlow[];
  readonly losses: Loss[];
  /** When each flow was read, microseconds. */
  readonly readAt: number[];
  stop(): Promise<void>;
}

/** Starts a collector with a spool. With `objects` its records are read, else only acked; with `nicer` its thread has less priority. */
export async function start(lab: LoadLab, windowMs: number, objects: boolean, nicer = 0): Promise<Run> {
  const folder = mkdtempSync(`${tmpdir()}/sluice-bench-`);
  const collector = new Collector({
    ...{ node: "n", cluster: "c", namespacePath: lab.path, windowMs, ensureConntrack: false, log: silentLog },
    receiveBufferBytes: 64 * 1024 * 1024,
    spool: { folder, maxBytes: 1 << 30, maxAgeMs: 86_400_000, syncMs: 1_000 },
  });
  const stopping = new AbortController();
  const [flows, losses, readAt]: [RawFlow[], Loss[], number[]] = [[], [], []];
  const read = async <T>(source: Source<T>, take: (items: () => readonly T[]) => void) => {
    for await (const delivery of source.open(new AbortController().signal)) {
      take(() => delivery.items);
      await delivery.ack();
    }
  };
  const all = Promise.all([
    collector.run(stopping.signal),
    read(collector.flows, (items) => {
      if (!objects) return;
      const now = systemClock.now() * 1000;
      for (const flow of items()) {
        flows.push(flow);
        readAt.push(now);
      }
    }),
    read(collector.losses, (items) => void losses.push(...items())),
    read(collector.heartbeats, () => {}),
    read(collector.dns, () => {}),
  ]);
  await Promise.race([collector.ready, all]);
  if (nicer > 0) slowDown("collector n", nicer);
  const stop = async () => {
    stopping.abort();
    await all;
    rmSync(folder, { recursive: true });
  };
  return { collector, flows, losses, readAt, stop };
}

/** Node names a worker's thread as its worker (proc_pid_comm(5)). */
function slowDown(threadName: string, nicer: number): void {
  for (const id of readdirSync("/proc/self/task"))
    if (readFileSync(`/proc/self/task/${id}/comm`, "utf8").trim() === threadName)
      setPriority(Number(id), Math.min(getPriority() + nicer, 19));
}

export const lostIn = (losses: readonly Loss[]) => losses.reduce((sum, { count }) => sum + (count ?? 0), 0);

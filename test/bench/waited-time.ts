import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../core/clock.ts";

/** What something took, milliseconds. */
export interface Took {
  /** CPU time of this thread and of its workers, one of which the others wait for. */
  readonly cpuMs: number;
  readonly elapsedMs: number;
}

/**
 * CPU time of the threads that somebody waits for: the calling one and worker threads, in the kernel too. Helper threads of the
 * collector and the compiler of V8 are not in it, nor is what else the machine does.
 */
export async function timed(work: () => void | Promise<void>): Promise<Took> {
  const workers = workerThreads();
  const [before, started, cpu] = [cpuOf(workers), systemClock.monotonic(), process.threadCpuUsage()];
  await work();
  const { user, system } = process.threadCpuUsage(cpu);
  const elapsedMs = systemClock.monotonic() - started;
  return { cpuMs: (user + system) / 1000 + cpuOf(workers) - before, elapsedMs };
}

export function sumOf(all: readonly Took[]): Took {
  const sum = (of: (took: Took) => number) => all.reduce((total, took) => total + of(took), 0);
  return { cpuMs: sum(({ cpuMs }) => cpuMs), elapsedMs: sum(({ elapsedMs }) => elapsedMs) };
}

/** Node gives its workers this name (proc_pid_comm(5)). */
const workerName = "WorkerThread";

function workerThreads(): readonly string[] {
  const tasks = readdirSync("/proc/self/task").map((id) => `/proc/self/task/${id}`);
  return tasks.filter((task) => readFileSync(`${task}/comm`, "utf8").trim() === workerName);
}

/** The first number of schedstat is nanoseconds on a CPU (Documentation/scheduler/sched-stats.rst). */
function cpuOf(tasks: readonly string[]): number {
  return tasks.reduce((sum, task) => sum + Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[0]) / 1e6, 0);
}

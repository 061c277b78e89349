import { Queue, Worker } from "bullmq";
import type { Clock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { endGraceMs } from "../end-grace.ts";

/** Done again and again, by one process at a time; may be done twice, or break off and begin anew. */
export interface Job {
  readonly name: string;
  /** What was done, in words. */
  readonly run: (signal: AbortSignal) => Promise<string>;
}

export interface ScheduleOptions {
  /** `redis://host:port`. */
  readonly redis: string;
  readonly password: string | undefined;
  /** Names of ours in Redis begin so. */
  readonly prefix: string;
  readonly everyMs: number;
  readonly jobs: readonly Job[];
  readonly clock: Clock;
  readonly log: Log;
  readonly onJob: (job: string, outcome: "done" | "failed") => void;
}

const queueName = "work";
/** Who takes a job says so often that he lives; after so long without, another takes it. */
const lockMs = 30_000;
const lookMs = 5_000;

/**
 * Redis says when a job is due and who does it. Nothing else is there: if it loses everything the jobs are put there again, and what was done
 * shows where it was done.
 */
export async function schedule(options: ScheduleOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  const connection = connectionOf(options, signal);
  const queue = new Queue(queueName, {
    connection: { ...connection, maxRetriesPerRequest: 1 },
    prefix: options.prefix,
  });
  const worker = workerOf(options, connection, signal);
  queue.on("error", (cause) => log.debug({ error: messageOf(cause) }, "Redis"));
  worker.on("error", (cause) => log.debug({ error: messageOf(cause) }, "Redis"));
  let isAway = false;
  while (!signal.aborted) {
    try {
      await within(plan(queue, options), lookMs, clock);
      if (isAway) log.info({}, "Redis answers again");
      isAway = false;
    } catch (cause) {
      if (!isAway && !signal.aborted)
        log.warn({ error: messageOf(cause) }, "Redis does not answer; jobs wait until it does");
      isAway = true;
    }
    await clock.sleep(lookMs, signal);
  }
  // What is being done is finished. Without Redis nobody can be told, so that is not waited for.
  const closing = worker.close().then(() => queue.close());
  await within(closing, endGraceMs, clock).catch(() => {
    void Promise.allSettled([worker.disconnect(), queue.disconnect()]);
  });
}

/** A job whose schedule is there keeps its time. */
async function plan(queue: Queue, { jobs, everyMs }: ScheduleOptions): Promise<void> {
  const wanted = new Set(jobs.map(({ name }) => name));
  for (const { key, every } of await queue.getJobSchedulers()) {
    if (!wanted.has(key)) await queue.removeJobScheduler(key);
    else if (Number(every) === everyMs) wanted.delete(key);
  }
  for (const name of wanted)
    await queue.upsertJobScheduler(
      name,
      { every: everyMs },
      { name, opts: { removeOnComplete: 10, removeOnFail: 50 } },
    );
}

function workerOf(
  { jobs, log, onJob, prefix }: ScheduleOptions,
  connection: ReturnType<typeof connectionOf>,
  signal: AbortSignal,
): Worker {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  return new Worker(
    queueName,
    async ({ name }) => {
      const job = byName.get(name);
      // Of a process with other settings.
      if (job === undefined) return "not one of these";
      try {
        const done = await job.run(signal);
        onJob(name, "done");
        log.info({ job: name, done }, "job done");
        return done;
      } catch (thrown) {
        onJob(name, "failed");
        log.error({ job: name, error: messageOf(thrown) }, "job failed; it is done again when it is due");
        throw thrown;
      }
    },
    { connection: { ...connection, maxRetriesPerRequest: null }, prefix, concurrency: 1, lockDuration: lockMs },
  );
}

function connectionOf({ redis, password }: Pick<ScheduleOptions, "redis" | "password">, signal: AbortSignal) {
  const { protocol, hostname, port, username, pathname } = new URL(redis);
  return {
    host: hostname,
    port: Number(port || 6379),
    db: Number(pathname.slice(1) || 0),
    ...(username === "" ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(protocol === "rediss:" ? { tls: {} } : {}),
    connectTimeout: 5_000,
    // At the end nobody waits for it to come back.
    retryStrategy: (tries: number) => (signal.aborted ? null : Math.min(100 * 2 ** tries, 3_000)),
  };
}

async function within(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  const over = new AbortController();
  const late = clock.sleep(ms, over.signal).then(() => {
    if (!over.signal.aborted) throw new SluiceError("BUS_FAILED", "no answer", { retriable: true });
  });
  work.catch(() => {}); // it may fail later than it is waited for
  await Promise.race([work, late]).finally(() => over.abort());
}

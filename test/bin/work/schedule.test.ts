import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { type Job, schedule } from "../../../bin/work/schedule.ts";
import { systemClock } from "../../../core/clock.ts";
import { silentLog } from "../../../core/log.ts";
import { needsServices, ownServices } from "../../support/needs-services.ts";
import { until } from "../../support/until.ts";

describe("bin/work/schedule", function () {
  this.timeout(120_000); // a Redis that is killed and started again, on a machine that may be busy
  needsServices("redis");
  const services = ownServices("work");
  let [redis, stop]: [string, AbortController] = ["", new AbortController()];

  before(async () => {
    redis = (await services.up("redis"))["REDIS_URL"] as string;
  });
  beforeEach(() => {
    stop = new AbortController();
  });
  after(() => services.remove());

  const replica = (jobs: readonly Job[], prefix: string, onJob: (job: string, outcome: string) => void = () => {}) =>
    schedule(
      { redis, password: undefined, prefix, everyMs: 1_000, jobs, clock: systemClock, log: silentLog, onJob },
      stop.signal,
    );

  it("has each job done by one process at a time, and again after one that failed", async () => {
    const [done, outcomes]: [string[], string[]] = [[], []];
    let [now, most] = [0, 0];
    const jobOf = (name: string): Job => ({
      name: "job",
      async run() {
        most = Math.max(most, ++now);
        await systemClock.sleep(300);
        now -= 1;
        done.push(name);
        if (done.length === 1) throw new Error("the first time it fails");
        return "well";
      },
    });
    const prefix = randomUUID();
    const tell = (_: string, outcome: string) => void outcomes.push(outcome);
    const working = ["a", "b", "c"].map((name) => replica([jobOf(name)], prefix, tell));
    await until("five rounds", () => done.length >= 5, 60_000);
    stop.abort();
    await Promise.all(working);
    assert.equal(most, 1);
    assert.deepEqual(outcomes.slice(0, 2), ["failed", "done"]);
  });

  it("finishes what it has begun when it is asked to stop", async () => {
    const [begun, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isFinished = false;
    const slow: Job = {
      name: "slow",
      async run() {
        begun.resolve();
        await finish.promise;
        isFinished = true;
        return "well";
      },
    };
    const working = replica([slow], randomUUID());
    await begun.promise;
    stop.abort();
    void systemClock.sleep(300).then(finish.resolve);
    await working;
    assert.ok(isFinished);
  });

  it("goes on when Redis was away and lost everything, and ends without it", async () => {
    let count = 0;
    const job: Job = { name: "job", run: () => Promise.resolve(String(++count)) };
    const working = replica([job], randomUUID());
    await until("the job to be done", () => count > 0, 30_000);
    const { hostname, port } = new URL(redis);
    const forgetting = new Redis(Number(port), hostname);
    await forgetting.flushall();
    forgetting.disconnect();
    await services.kill("redis");
    await systemClock.sleep(1_500);
    const before = count;
    await services.up("redis", { keep: true });
    await until("the job to be done again", () => count > before + 1, 60_000);
    await services.kill("redis");
    stop.abort();
    await working;
  });
});

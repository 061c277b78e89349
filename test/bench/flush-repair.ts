// How long a node is without rules after `nft flush ruleset`, as the whole of the tamper watch does it: the kernel tells, the culprit
// is looked for, the enforcer has everything written anew.

import { spawn } from "node:child_process";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import type { Repair } from "../../enforcer/enforcer.ts";
import { RulesetFollower } from "../../enforcer/tamper/follower.ts";
import { type Gap, TamperWatch } from "../../enforcer/tamper/tamper-watch.ts";
import type { MeasuredEnforcer } from "./measured-enforcer.ts";
import { type Took, timed } from "./waited-time.ts";

/** What one flush cost. */
export interface Flushed {
  /** Milliseconds from the last moment at which nothing had happened to the rules standing again. */
  readonly gapMs: number;
  /** From the start of the program that flushes; its own time is not in the CPU time. */
  readonly took: Took;
}

export class FlushRepair {
  readonly #namespace: string;
  readonly #follower = new RulesetFollower();
  readonly #watch: TamperWatch;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #ready: Promise<void>;
  #gap = Promise.withResolvers<Gap>();

  constructor(namespace: string, enforcer: MeasuredEnforcer) {
    this.#namespace = namespace;
    this.#watch = new TamperWatch({
      ...{ cluster: "bench", node: "node-0", enforcer, isOurChild: () => false, clock: systemClock, log: silentLog },
      ...{ onChange: () => {}, onNotice: null, onGap: (gap) => this.#gap.resolve(gap) },
    });
    enforcer.onRepair = (repair: Repair) => this.#watch.repaired(repair);
    const news = this.#follower.in(namespacePath(namespace), []);
    this.#ready = news.ready;
    enforcer.unheard = news.unheard;
    const follow = async () => {
      for await (const batch of news.follow(this.#stop.signal)) for (const each of batch) this.#watch.take(each);
    };
    this.#running = Promise.all([follow(), this.#watch.run(this.#stop.signal)]);
  }

  async flush(): Promise<Flushed> {
    await this.#ready;
    let gapMs = 0;
    const took = await timed(async () => {
      spawn("ip", ["netns", "exec", this.#namespace, "nft", "flush", "ruleset"], { stdio: "inherit" });
      const { from, to } = await this.#gap.promise;
      gapMs = to - from;
    });
    this.#gap = Promise.withResolvers();
    return { gapMs, took };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#follower.close();
  }
}

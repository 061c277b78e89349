import type { Clock } from "../../core/clock.ts";
import { Condition } from "../../core/condition.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { type Finding, findingText } from "./finding.ts";
import { foreignFindings } from "./foreign-rules.ts";
import type { Listing } from "./listing.ts";
import type { News } from "./news.ts";
import { sysctlFindings } from "./sysctls.ts";

export interface FindingsWatchOptions {
  readonly node: string;
  readonly listing: Listing;
  readonly ipv6: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

type Sysctls = Extract<News, { kind: "sysctls" }>["values"];

// Others, such as a service proxy, change their rules often. Listing them all takes a while, so of the time at most this share.
const restMs = 5_000;
const listShare = 1 / 20;

/** Looks at rules of others and at sysctls, at the start and when they change, and tells what is amiss when it appears. */
export class FindingsWatch {
  readonly #options: FindingsWatchOptions;
  readonly #changed = new Condition();
  #isStale = true;
  #foreign: readonly Finding[] = [];
  #first: Sysctls | undefined;
  #sysctls: readonly Finding[] = [];

  constructor(options: FindingsWatchOptions) {
    this.#options = options;
  }

  /** As they stand now. */
  get findings(): readonly Finding[] {
    return [...this.#sysctls, ...this.#foreign];
  }

  take(news: News): void {
    if (news.kind === "sysctls") this.#takeSysctls(news.values);
    else if (news.kind === "lost" || (news.kind === "foreign" && news.touchesOthers)) {
      this.#isStale = true;
      this.#changed.changed();
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      if (!this.#isStale) await this.#changed.wait(signal);
      if (signal.aborted) return;
      this.#isStale = false;
      const begun = clock.monotonic();
      await this.#look();
      await clock.sleep(Math.max(restMs, (clock.monotonic() - begun) / listShare), signal);
    }
  }

  async #look(): Promise<void> {
    const { listing, log, node } = this.#options;
    try {
      this.#foreign = this.#told(this.#foreign, foreignFindings(await listing.all()));
    } catch (thrown) {
      log.warn({ node, error: messageOf(thrown) }, "rules of others could not be listed");
    }
  }

  #takeSysctls(values: Sysctls): void {
    this.#first ??= values;
    this.#sysctls = this.#told(this.#sysctls, sysctlFindings(this.#first, values, { ipv6: this.#options.ipv6() }));
  }

  /** Each is logged when it appears, and when it is gone. */
  #told(before: readonly Finding[], after: readonly Finding[]): readonly Finding[] {
    const { log, node } = this.#options;
    const [old, fresh] = [before.map(findingText), after.map(findingText)];
    for (const text of fresh) if (!old.includes(text)) log.warn({ node }, text);
    for (const text of old) if (!fresh.includes(text)) log.info({ node }, `no longer: ${text}`);
    return after;
  }
}

import type { Finding } from "./finding.ts";
import { FindingsWatch, type FindingsWatchOptions } from "./findings-watch.ts";
import type { RulesetNews } from "./news.ts";
import { TamperWatch, type TamperWatchOptions } from "./tamper-watch.ts";

export interface GuardOptions extends TamperWatchOptions, FindingsWatchOptions {
  readonly news: RulesetNews;
}

/** Watches over one node's rules: that nobody changes ours, and that nothing beside them makes them mean less. */
export class Guard {
  readonly #news: RulesetNews;
  readonly #tamper: TamperWatch;
  readonly #findings: FindingsWatch;
  /** For the enforcer. */
  readonly repaired: TamperWatch["repaired"];

  constructor(options: GuardOptions) {
    this.#news = options.news;
    this.#tamper = new TamperWatch(options);
    this.#findings = new FindingsWatch(options);
    this.repaired = this.#tamper.repaired;
  }

  /** Resolves when no change is missed any more. */
  get ready(): Promise<void> {
    return this.#news.ready;
  }

  get findings(): readonly Finding[] {
    return this.#findings.findings;
  }

  /** As of RulesetNews, for the enforcer. */
  unheard(work: () => Promise<boolean>): Promise<boolean> {
    return this.#news.unheard(work);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#follow(signal), this.#tamper.run(signal), this.#findings.run(signal)]);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for await (const batch of this.#news.follow(signal))
      for (const news of batch) {
        this.#findings.take(news);
        this.#tamper.take(news);
      }
  }
}

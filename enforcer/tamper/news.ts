import type { Culprit } from "./culprit.ts";
import type { TableEvent } from "./table-event.ts";

/** What the kernel tells of one network namespace. Times are wall time, milliseconds. */
export type News =
  /** Somebody else changed the ruleset: our table, or others'. */
  | {
      readonly kind: "foreign";
      readonly at: number;
      /** Nothing of this had happened by then. */
      readonly after: number;
      readonly culprit: Culprit;
      /** Its pid as this process numbers them. */
      readonly localPid: number;
      /** Changes of our table, empty if it was not touched. */
      readonly events: readonly TableEvent[];
      readonly omitted: number;
      readonly touchesOthers: boolean;
    }
  /** We changed our table: what came and went, elements apart. */
  | { readonly kind: "own"; readonly events: readonly TableEvent[] }
  /** Events were lost, so anything may have happened. */
  | {
      readonly kind: "lost";
      readonly at: number;
      readonly after: number;
      readonly reason: string;
      /** It cannot come again and again. */
      readonly isRare: boolean;
    }
  /** Sysctls have other values than before: text, null where there is no such one. */
  | { readonly kind: "sysctls"; readonly values: Readonly<Record<string, string | null>> };

/** What becomes of the rules of one namespace. Implementations: follower.ts, and a fake for tests. */
export interface RulesetNews {
  /** Resolves when nothing is missed any more. */
  readonly ready: Promise<void>;
  /** In batches as they come, until the signal aborts. One reader. */
  follow(signal: AbortSignal): AsyncIterable<readonly News[]>;
  /**
   * Carries out one transaction of so many changes that to be told each would cost the kernel more than the changes: it is told as our
   * own afterwards. `work` says whether there was a transaction. Whatever else happened meanwhile is news of kind `lost`.
   */
  unheard(work: () => Promise<boolean>): Promise<boolean>;
}

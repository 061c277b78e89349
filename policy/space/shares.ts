import type { RuleId } from "../../core/rule-id.ts";
import type { ConnectionSets, Connections } from "./connections.ts";

/** Connections with one fate, by the word of the same rules. */
export interface Share {
  readonly connections: Connections;
  readonly action: "allow" | "deny";
  /** Of what is allowed every rule that had to agree, in the order in which they are asked; of what is denied the one that does. */
  readonly by: readonly RuleId[];
}

/** All connections between two addresses, or those that come as far as some lists of policies, divided by who decides about them. */
export class Shares {
  readonly all: readonly Share[];
  readonly allowed: Connections;
  readonly #book: ShareBook;
  readonly #within = new Map<Connections, Shares>();
  readonly #changed = new Map<Shares, Connections>();

  constructor(all: readonly Share[], book: ShareBook) {
    this.all = all;
    this.#book = book;
    const { sets } = book;
    this.allowed = all.reduce(
      (allowed, { action, connections }) => (action === "allow" ? sets.union(allowed, connections) : allowed),
      sets.none,
    );
  }

  /** What of them is among some connections; the same object for equal ones. */
  within(connections: Connections): Shares {
    const known = this.#within.get(connections);
    if (known !== undefined) return known;
    const found = this.#book.of(this.all.flatMap((share) => only(share, connections, this.#book.sets)));
    this.#within.set(connections, found);
    return found;
  }

  /** Connections about which other rules decide than in other shares. */
  changedFrom(others: Shares): Connections {
    if (others === this) return this.#book.sets.none;
    const known = this.#changed.get(others);
    if (known !== undefined) return known;
    const changed = this.#book.changed(others.all, this.all);
    this.#changed.set(others, changed);
    return changed;
  }
}

/** Knows equal shares again. */
export class ShareBook {
  readonly sets: ConnectionSets;
  readonly #known = new Map<string, Shares>();

  constructor(sets: ConnectionSets) {
    this.sets = sets;
  }

  of(all: readonly Share[]): Shares {
    const key = all.map((share) => `${shareKey(share)} ${share.connections.id}`).join();
    const shares = this.#known.get(key) ?? new Shares(all, this);
    this.#known.set(key, shares);
    return shares;
  }

  changed(before: readonly Share[], after: readonly Share[]): Connections {
    const { sets } = this;
    const byRules = new Map<string, Connections>();
    for (const share of before) {
      const key = shareKey(share);
      byRules.set(key, sets.union(byRules.get(key) ?? sets.none, share.connections));
    }
    return after.reduce((changed, share) => {
      const own = sets.subtract(share.connections, byRules.get(shareKey(share)) ?? sets.none);
      return sets.union(changed, own);
    }, sets.none);
  }
}

/** Equal for shares of the same rules. */
export function shareKey({ action, by }: Share): string {
  return `${action} ${by.join(" ")}`;
}

/** What becomes of shares that then meet further policies. */
export function meeting(shares: readonly Share[], next: readonly Share[], sets: ConnectionSets): readonly Share[] {
  return shares.flatMap((share) => {
    if (share.action === "deny") return [share];
    return next.flatMap((answer) => {
      const by = answer.action === "deny" ? answer.by : [...share.by, ...answer.by];
      return only({ ...answer, by }, share.connections, sets);
    });
  });
}

/** What of a share is among some connections; nothing if there are none. */
export function only<S extends Share>(share: S, connections: Connections, sets: ConnectionSets): readonly S[] {
  const common = sets.intersect(share.connections, connections);
  return common === sets.none ? [] : [{ ...share, connections: common }];
}

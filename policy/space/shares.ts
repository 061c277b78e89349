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
  readonly #sets: ConnectionSets;
  readonly #within = new Map<Connections, readonly Share[]>();
  readonly #changed = new Map<Shares, Connections>();

  constructor(all: readonly Share[], sets: ConnectionSets) {
    this.all = all;
    this.#sets = sets;
    this.allowed = all.reduce(
      (allowed, { action, connections }) => (action === "allow" ? sets.union(allowed, connections) : allowed),
      sets.none,
    );
  }

  /** What of the shares is among some connections. */
  within(connections: Connections): readonly Share[] {
    const known = this.#within.get(connections);
    if (known !== undefined) return known;
    const found = this.all.flatMap((share) => only(share, connections, this.#sets));
    this.#within.set(connections, found);
    return found;
  }

  /** Connections about which other rules decide than in other shares. */
  changedFrom(others: Shares): Connections {
    if (others === this) return this.#sets.none;
    const known = this.#changed.get(others);
    if (known !== undefined) return known;
    const before = others.#byRules();
    const changed = this.all.reduce((changed, share) => {
      const own = this.#sets.subtract(share.connections, before.get(shareKey(share)) ?? this.#sets.none);
      return this.#sets.union(changed, own);
    }, this.#sets.none);
    this.#changed.set(others, changed);
    return changed;
  }

  #byRules(): ReadonlyMap<string, Connections> {
    const found = new Map<string, Connections>();
    for (const share of this.all) {
      const key = shareKey(share);
      found.set(key, this.#sets.union(found.get(key) ?? this.#sets.none, share.connections));
    }
    return found;
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

function only(share: Share, connections: Connections, sets: ConnectionSets): readonly Share[] {
  const common = sets.intersect(share.connections, connections);
  return common === sets.none ? [] : [{ ...share, connections: common }];
}

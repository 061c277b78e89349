import { Multimap } from "../core/multimap.ts";
import type { Policy, PolicyKind, StagedAction } from "./model.ts";

const kindsInForce: Partial<Record<PolicyKind, PolicyKind>> = { snp: "np", sgnp: "gnp", sknp: "knp" };

/**
 * The policies as they would be if everything staged came into force, kept up to date policy by policy: what is staged takes the
 * place of the policy of its name (`set`, `learn`) or removes it (`delete`). Staged policies keep their kind, so that a trace tells
 * them apart.
 */
export class PendingPolicies {
  readonly #policies = new Map<string, Policy>();
  /** By the name in force, the keys of all that have it or would have it: their fates depend on each other. */
  readonly #byName = new Multimap<string, string>();
  readonly #stale = new Set<string>();

  /** The policy of that key as it is now, or undefined: it is gone. */
  put(key: string, policy: Policy | undefined): void {
    const before = this.#policies.get(key);
    for (const each of [before, policy])
      if (each !== undefined) for (const rival of this.#byName.get(nameInForce(each))) this.#stale.add(rival);
    if (before !== undefined) this.#byName.delete(nameInForce(before), key);
    if (policy !== undefined) this.#byName.add(nameInForce(policy), key);
    if (policy === undefined) this.#policies.delete(key);
    else this.#policies.set(key, policy);
    this.#stale.add(key);
  }

  /** What has changed since this was last asked, by key; undefined: there would be no policy of this key. */
  take(): ReadonlyMap<string, Policy | undefined> {
    const changes = [...this.#stale].map((key) => [key, this.#pending(key)] as const);
    this.#stale.clear();
    return new Map(changes);
  }

  #pending(key: string): Policy | undefined {
    const policy = this.#policies.get(key);
    if (policy === undefined || policy.staged === "ignore" || policy.staged === "delete") return undefined;
    if (policy.staged !== null) return { ...policy, staged: null };
    const rivals = [...this.#byName.get(nameInForce(policy))].map((rival) => this.#policies.get(rival));
    return rivals.some((rival) => takesPlace(rival?.staged)) ? undefined : policy;
  }
}

function takesPlace(staged: StagedAction | null | undefined): boolean {
  return staged === "set" || staged === "learn" || staged === "delete";
}

function nameInForce({ kind, namespace, name }: Policy): string {
  return `${kindsInForce[kind] ?? kind} ${namespace ?? ""}/${name}`;
}

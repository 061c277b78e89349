import { policyPath, policyTitle } from "../kind-names.ts";
import { type Decider, isPolicy } from "./decider.ts";
import { listed } from "./words.ts";

type Named = Pick<Decider, "kind" | "namespace" | "name">;

/** More than these are counted only. */
const maxPolicies = 3;

/** Calls deciders by name. */
export class DeciderWords {
  readonly #kinds: ReadonlyMap<string, readonly Named[]>;

  /** `policies` are all that may be named. */
  constructor(policies: readonly Named[]) {
    this.#kinds = Map.groupBy(policies.filter(isPolicy), policyPath);
  }

  /** `security.quarantine and the default of tier app (shop/app.web applies)` */
  of(deciders: readonly Decider[]): string {
    const [policies, others] = [deciders.filter(isPolicy), deciders.filter((one) => !isPolicy(one))];
    const defaults = Map.groupBy(
      policies.filter(({ isDefault }) => isDefault),
      ({ tier }) => tier,
    );
    return listed(
      [
        ...policies.filter(({ isDefault }) => !isDefault).map((one) => this.#name(one)),
        ...[...defaults].map(
          ([tier, some]) =>
            `the default of tier ${tier} (${this.policies(some)} appl${some.length === 1 ? "ies" : "y"})`,
        ),
        ...new Set(others.map(otherWords)),
      ],
      maxPolicies,
    );
  }

  policies(policies: readonly Named[]): string {
    return listed(
      policies.map((one) => this.#name(one)),
      maxPolicies,
    );
  }

  /** Its path, and its kind as well where another kind has the same. */
  #name(policy: Named): string {
    const path = policyPath(policy);
    const kinds = new Set(this.#kinds.get(path)?.map(({ kind }) => kind));
    return kinds.size > 1 ? policyTitle(policy) : path;
  }
}

function otherWords({ kind, name }: Named): string {
  if (kind === "setting") return `the setting ${name}`;
  if (kind === "failsafe") return "the failsafe ports of hosts";
  return kind === "nobody" ? "the absence of policies" : "the default where no policy decides";
}

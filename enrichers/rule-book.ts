import type { ProgramRecord } from "../core/records/program.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { Direction, Program, RuleOrigin } from "../policy/program.ts";
import { WayTexts } from "./policy-string.ts";

export interface BookedRule extends RuleOrigin {
  /** Revision of the newest program that holds the rule. */
  readonly revision: string;
}

/**
 * What rule ids stand for, those of past programs too: a connection carries the id of the rule that allowed it for as long as
 * it lives. Grows with the number of different rules ever used, not with programs.
 */
export class RuleBook {
  readonly #rules = new Map<RuleId, BookedRule>();
  #newest: string | undefined;
  /** The ways through policies by the rules as they are known now. */
  readonly texts = new WayTexts((id) => this.#rules.get(id));

  /** Takes over programs that were in force earlier, before the first `remember`. */
  recall(programs: readonly ProgramRecord[]): void {
    for (const { revision, rules } of programs.toSorted((a, b) => a.start - b.start))
      for (const { id, ...origin } of rules) this.#rules.set(id, { ...origin, revision });
    this.texts.forget();
  }

  remember(program: Program): void {
    const { revision } = program;
    // The same program comes again with every change of a pod.
    if (revision === this.#newest) return;
    this.#newest = revision;
    this.texts.forget();
    for (const [id, origin] of program.rules) this.#rules.set(id, { ...origin, revision });
  }

  /**
   * The rule of an id that a kernel reported, or undefined if it cannot be the one that decided: nobody's, of the other
   * direction, or of another action. Bits of a conntrack label are only ever added, so a connection that met two rules
   * carries an id that is neither's.
   */
  decider(id: RuleId | null, direction: Direction, action: "allow" | "deny"): BookedRule | undefined {
    const rule = id === null ? undefined : this.#rules.get(id);
    return rule?.direction === direction && rule.action === action ? rule : undefined;
  }

  originOf(id: RuleId): BookedRule | undefined {
    return this.#rules.get(id);
  }
}

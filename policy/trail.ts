import type { RuleId } from "../core/rule-id.ts";
import type { Instruction } from "./program.ts";
import type { Step } from "./verdict.ts";

/** What a packet hit on its way through a list. Ways that hit the same share one. */
export class Trail {
  readonly steps: readonly Step[];
  /** `next`: no step decided, so that what comes after the list does. */
  readonly action: "allow" | "deny" | "next";
  /** The one that decided; null if none did. */
  readonly rule: RuleId | null;
  readonly #next = new Map<Instruction, Trail>();

  constructor(steps: readonly Step[] = []) {
    this.steps = steps;
    const last = steps.at(-1);
    this.action = last?.action === "allow" || last?.action === "deny" ? last.action : "next";
    this.rule = this.action === "next" ? null : (last?.rule ?? null);
  }

  after(instruction: Instruction): Trail {
    const found = this.#next.get(instruction);
    if (found !== undefined) return found;
    const trail = new Trail([...this.steps, stepOf(instruction)]);
    this.#next.set(instruction, trail);
    return trail;
  }
}

function stepOf({ id, verdict }: Instruction): Step {
  return { rule: id, action: verdict === "next" ? "pass" : verdict };
}

import type { RawFlow } from "../core/records/flow.ts";
import type { Program } from "../policy/program.ts";
import type { Ends } from "./authoritative.ts";
import { WayTexts } from "./policy-string.ts";
import {
  directionsOf,
  evaluate,
  isAnnounced,
  isDeniedWithoutRule,
  isPath,
  type PolicyInForce,
  pathOf,
} from "./verdict.ts";

/**
 * The way through policies if everything staged were in force; empty where nothing is staged, and for what no policy had a say in. It is
 * the evaluator's word: staged policies decide nothing. Of the directions that the reporting node decides, as `decide` has it.
 */
export function pendingOf(flow: RawFlow, ends: Ends, staged: PolicyInForce | undefined): readonly string[] {
  if (staged === undefined || isDeniedWithoutRule(flow) || isAnnounced(flow)) return [];
  const evaluated = evaluate(flow, staged);
  return directionsOf(flow, ends).flatMap((direction) => {
    const endpoint = direction === "egress" ? ends.source : ends.destination;
    const path = pathOf(direction, endpoint, { flow, ends, policy: staged, evaluated });
    return isPath(path) ? textsOf(staged.program).of(path.steps, endpoint) : [];
  });
}

const texts = new WeakMap<Program, WayTexts>();

function textsOf(program: Program): WayTexts {
  const known = texts.get(program) ?? new WayTexts((id) => program.rules.get(id));
  texts.set(program, known);
  return known;
}

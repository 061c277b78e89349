import assert from "node:assert/strict";
import fc from "fast-check";
import type { RuleId } from "../../core/rule-id.ts";
import { compile } from "../../policy/compile.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { place } from "../../policy/place.ts";
import type { Program } from "../../policy/program.ts";
import { traceOf } from "../../policy/trace.ts";
import type { Verdict } from "../../policy/verdict.ts";
import { arbitraryWorld, arbitraryWorldPacket } from "../support/arbitrary-world.ts";
import { type NaiveWorld, naiveOpinion } from "../support/naive-evaluator.ts";

function compiled(world: NaiveWorld) {
  const program = compile(world.tiers, world.policies);
  return { program, placement: place(program, world.endpoints, world.services) };
}

/** As the naive evaluator says it. */
function opinionOf({ action, egress, ingress, hosts }: Verdict, decider: RuleId | null, program: Program): string {
  const asked = [egress, ingress, ...hosts].some((path) => path?.rule !== undefined && path.rule !== null);
  if (!asked || decider === null) return action;
  const origin = program.rules.get(decider);
  if (origin === undefined) return `${action} by a rule that nobody knows`;
  const { tier, kind, namespace, name, direction, rule } = origin;
  return `${action} ${tier}|${kind}:${namespace === null ? "" : `${namespace}/`}${name}|${direction}|${rule}`;
}

const packets = fc.array(arbitraryWorldPacket, { minLength: 30, maxLength: 30 });

describe("the evaluator", function () {
  this.timeout(60_000);

  it("agrees with one written straight from the text of the APIs, in action, policy and rule", () => {
    fc.assert(
      fc.property(arbitraryWorld, packets, (world, some) => {
        const { program, placement } = compiled(world);
        const evaluate = evaluatorOf(program, placement, 4);
        const trace = traceOf(program, placement);
        for (const packet of some) {
          const paths = trace(packet).paths.filter(({ outcome }) => outcome !== "next");
          const decider = paths.at(-1)?.stages.at(-1)?.by ?? null;
          assert.equal(opinionOf(evaluate(packet), decider, program), naiveOpinion(world, packet));
        }
      }),
      { numRuns: 300 },
    );
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Path, Verdict } from "../../policy/verdict.ts";
import { arbitraryPacket, arbitraryProgram, nodes } from "../support/arbitrary-program.ts";
import { labelsOf } from "../support/dataplane/answer.ts";
import { interfacesOf, type Journey, travel } from "../support/journey.ts";
import { renderAll } from "../support/render-all.ts";
import { arbitraryListedHosts, withHosts } from "../support/with-hosts.ts";

describe("the ruleset agrees with the evaluator", () => {
  it("in verdict, deciding rules and log rules, for random programs and packets", () => {
    const packets = fc.array(arbitraryPacket, { minLength: 10, maxLength: 30 });
    const property = fc.property(arbitraryProgram, packets, (builder, packets) => {
      const [program, placement] = [builder.program(), builder.placement()];
      const rulesets = renderAll(program, placement, nodes);
      const evaluate = evaluatorOf(program, placement);
      for (const packet of packets)
        assert.deepEqual(travel(rulesets, placement, packet), expected(evaluate(packet)), JSON.stringify(packet));
    });
    fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 100) });
  }).timeout(60_000);

  it("in verdict, and in the deciding rules of what is allowed, where nodes have host endpoints", () => {
    const packets = fc.array(arbitraryPacket, { minLength: 10, maxLength: 30 });
    const property = fc.property(arbitraryProgram, arbitraryListedHosts, packets, (builder, hosts, packets) => {
      const [program, placement] = [builder.program(), withHosts(builder.placement(), hosts)];
      const rulesets = renderAll(program, placement, nodes);
      const evaluate = evaluatorOf(program, placement);
      for (const bare of packets) {
        const packet = { ...bare, interfaces: interfacesOf(placement, bare) };
        const verdict = evaluate(packet);
        const { action, egress, ingress } = travel(rulesets, placement, packet);
        assert.equal(action, verdict.action, JSON.stringify([bare, verdict]));
        if (action === "allow")
          assert.deepEqual({ egress, ingress }, labelsOf(verdict), JSON.stringify([bare, verdict]));
      }
    });
    fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 100) });
  }).timeout(60_000);
});

function expected({ action, egress, ingress }: Verdict): Journey {
  const logged = (path: Path | null) => (path?.steps ?? []).filter((step) => step.action === "log");
  return {
    action,
    egress: egress?.rule ?? null,
    ingress: ingress?.rule ?? null,
    logged: [...logged(egress), ...logged(ingress)].map(({ rule }) => rule),
  };
}

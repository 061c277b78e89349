import assert from "node:assert/strict";
import fc from "fast-check";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Program } from "../../policy/program.ts";
import { type Trace, traceOf } from "../../policy/trace.ts";
import type { Packet } from "../../policy/verdict.ts";
import { arbitraryWorld, arbitraryWorldPacket } from "../support/arbitrary-world.ts";
import { compiledWorld } from "../support/compiled-world.ts";
import { naiveOpinion } from "../support/naive-evaluator.ts";

/** As the naive evaluator says it: the last path that decided. */
function opinionOf(trace: Trace, { rules }: Program): string {
  const decider = trace.paths.findLast(({ outcome }) => outcome === "allow" || outcome === "deny")?.stages.at(-1)?.by;
  if (decider === undefined) return trace.verdict.action;
  const origin = rules.get(decider);
  assert.ok(origin !== undefined, "the program knows its rules");
  const { tier, kind, namespace, name, direction, rule } = origin;
  return `${trace.verdict.action} ${tier}|${kind}:${namespace === null ? "" : `${namespace}/`}${name}|${direction}|${rule}`;
}

interface Answer {
  readonly endpoint: string;
  readonly direction: string;
  readonly outcome: string;
  readonly by: string | null;
}

/** What every list said, of a verdict and of a trace, in an order of its own. */
function answersOf({ verdict }: Trace): readonly Answer[] {
  const { egress, ingress, hosts } = verdict;
  return [egress, ingress, ...hosts]
    .filter((path) => path !== null)
    .map(({ endpoint, direction, action, rule }) => ({ endpoint, direction, outcome: action, by: rule }))
    .toSorted(byText);
}

function answersTraced({ paths }: Trace): readonly Answer[] {
  return paths
    .map(({ endpoint, direction, outcome, stages }) => {
      const by = outcome === "next" ? null : (stages.at(-1)?.by ?? null);
      return { endpoint, direction, outcome, by };
    })
    .toSorted(byText);
}

const byText = (a: Answer, b: Answer) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

const packets = fc.array(arbitraryWorldPacket, { minLength: 30, maxLength: 30 });

describe("the evaluator", function () {
  this.timeout(60_000);

  it("agrees with one written straight from the text of the APIs, in action, policy and rule", () => {
    fc.assert(
      fc.property(arbitraryWorld, packets, (world, some) => {
        const { program, placement } = compiledWorld(world);
        const trace = traceOf(program, placement);
        for (const packet of some) assert.equal(opinionOf(trace(packet), program), naiveOpinion(world, packet));
      }),
      { numRuns: 150 },
    );
  });

  it("says the same as the trace that explains it, list by list", () => {
    fc.assert(
      fc.property(arbitraryWorld, packets, (world, some) => {
        const { program, placement } = compiledWorld(world);
        const trace = traceOf(program, placement);
        for (const packet of some) {
          const traced = trace(packet);
          assert.deepEqual(answersTraced(traced), answersOf(traced));
        }
      }),
      { numRuns: 50 },
    );
  });

  it("says the same whatever it remembers, also of packets that no network has", () => {
    const odd = fc.record(
      {
        protocol: fc.constantFrom(6, 1, 58, 300, -1, 1.5),
        sourcePort: fc.constantFrom(0, 80, 70_000, Number.NaN),
        destinationPort: fc.constantFrom(0, 80, 65_536, -1),
        icmp: fc.constantFrom(null, { type: 8, code: 0 }, { type: 300, code: -1 }),
      },
      { requiredKeys: [] },
    );
    const maybeOdd = fc.tuple(arbitraryWorldPacket, odd).map(([packet, more]): Packet => ({ ...packet, ...more }));
    fc.assert(
      fc.property(
        arbitraryWorld,
        fc.array(fc.oneof(arbitraryWorldPacket, maybeOdd), { maxLength: 60 }),
        (world, some) => {
          const { program, placement } = compiledWorld(world);
          const forgetful = evaluatorOf(program, placement, 1);
          const mindful = evaluatorOf(program, placement);
          for (const packet of [...some, ...some.toReversed()]) {
            const fresh = evaluatorOf(program, placement, 1)(packet);
            assert.deepEqual([mindful(packet), forgetful(packet)], [fresh, fresh]);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

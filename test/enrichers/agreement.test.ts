import assert from "node:assert/strict";
import type { RawFlow } from "../../core/records/flow.ts";
import { Agreement, type Disagreement, type Skip } from "../../enrichers/agreement.ts";
import { RuleBook } from "../../enrichers/rule-book.ts";
import type { PolicyInForce } from "../../enrichers/verdict.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { World } from "../../policy/world.ts";
import { pod, rawFlow } from "../support/flows.ts";
import { world } from "../support/world.ts";

// node-1 has shop/web and shop/db; only web may ask db.
const second = 1_000_000;
const began = 1_000 * second;
const at = began + 60 * second;

function policyIn(labels: { readonly web?: string; readonly allow?: string } = {}): PolicyInForce {
  const { objects } = world()
    .node("node-1")
    .namespace("shop")
    .tier("app", 100)
    .pod("shop/web", { app: labels.web ?? "web" }, { node: "node-1", ips: ["10.1.0.5"] })
    .pod("shop/db", { app: "db" }, { node: "node-1", ips: ["10.1.0.6"] })
    .policy("shop/app.db", {
      tier: "app",
      selector: "app == 'db'",
      ingress: [{ action: "Allow", source: { selector: `app == '${labels.allow ?? "web"}'` } }],
    });
  const state = new World();
  state.apply(objects.map((object) => ({ type: "upsert", object })));
  const [program, placement] = [state.program(), state.placement()];
  return { program, placement, evaluate: evaluatorOf(program, placement), mode: () => "enforced" };
}

const usual = policyIn();
const ends = { source: pod("shop/web", {}, "node-1"), destination: pod("shop/db", {}, "node-1") };
const packet = {
  source: "10.1.0.5",
  destination: "10.1.0.6",
  protocol: 6,
  sourcePort: 4000,
  destinationPort: 80,
  icmp: null,
} as never;
const verdict = usual.evaluate(packet);
const [egressRule, ingressRule] = [verdict.egress?.rule ?? null, verdict.ingress?.rule ?? null];
const denyRule = policyIn({ web: "none" }).evaluate(packet).ingress?.rule ?? null;

const flow = (over: Partial<RawFlow> = {}): RawFlow =>
  rawFlow({
    node: "node-1",
    protocol: 6,
    sourceAddress: "10.1.0.5" as never,
    sourcePort: 4000,
    destinationAddress: "10.1.0.6" as never,
    destinationPort: 80,
    icmp: null,
    nat: null,
    seq: 16,
    start: at,
    startedAt: at,
    end: at + second,
    egressRule,
    ingressRule,
    ...over,
  });

const denial = (): RawFlow =>
  flow({ state: "denied", denied: "ingress", egressRule: null, ingressRule: denyRule, seq: 1 });

interface Told {
  checked: number;
  readonly skipped: Skip[];
  readonly disagreements: Disagreement[];
}

/** What becomes of one flow when these policies came at these times. */
function told(
  what: RawFlow,
  policies: readonly (readonly [policy: PolicyInForce, at: number])[] = [[usual, began]],
  sample = 16,
): Told {
  const result: Told = { checked: 0, skipped: [], disagreements: [] };
  const agreement = new Agreement({
    sample,
    onChecked: () => {
      result.checked += 1;
    },
    onSkipped: (why) => result.skipped.push(why),
    onDisagreement: (disagreement) => result.disagreements.push(disagreement),
  });
  const rules = new RuleBook();
  for (const [policy, from] of policies) {
    agreement.use(policy, from);
    rules.remember(policy.program);
  }
  agreement.check(what, ends, rules);
  return result;
}

const kinds = ({ checked, skipped, disagreements }: Told) => ({
  checked,
  skipped,
  kinds: disagreements.map(({ kind, direction }) => `${direction} ${kind}`),
});

const announcer = {
  protocol: 6,
  ...{ sourceAddress: "10.1.0.5" as never, sourcePort: 3999 },
  ...{ destinationAddress: "10.1.0.6" as never, destinationPort: 21 },
};
const denying = policyIn({ web: "none" });

describe("enrichers/agreement", () => {
  const cases: readonly {
    readonly title: string;
    readonly flow: RawFlow;
    readonly policies?: readonly (readonly [PolicyInForce, number])[];
    readonly sample?: number;
    readonly is: ReturnType<typeof kinds>;
  }[] = [
    {
      title: "agrees on an allowed connection in both directions",
      flow: flow(),
      is: { checked: 2, skipped: [], kinds: [] },
    },
    {
      title: "agrees on a denial",
      flow: denial(),
      policies: [[denying, began]],
      is: { checked: 1, skipped: [], kinds: [] },
    },
    {
      title: "finds a connection that the kernel let through and policy denies",
      flow: flow(),
      policies: [[denying, began]],
      is: { checked: 2, skipped: [], kinds: ["ingress allowed"] },
    },
    {
      title: "does not compare what another connection announced: no policy is asked",
      flow: flow({ egressRule: null, ingressRule: null, related: announcer }),
      policies: [[denying, began]],
      is: { checked: 0, skipped: [], kinds: [] },
    },
    {
      title: "finds one that met no rule at all where policy denies",
      flow: flow({ egressRule, ingressRule: null }),
      policies: [[denying, began]],
      is: { checked: 2, skipped: [], kinds: ["ingress allowed"] },
    },
    {
      title: "finds a denial of what policy allows",
      flow: denial(),
      is: { checked: 1, skipped: [], kinds: ["ingress denied"] },
    },
    {
      title: "finds a verdict by another rule",
      flow: flow({ ingressRule: egressRule }),
      is: { checked: 2, skipped: [], kinds: ["ingress rule"] },
    },
    {
      title: "passes over a label that is of two rules",
      flow: flow({ ingressRule: "0000000000000001" as never }),
      is: { checked: 1, skipped: ["unlabelled"], kinds: [] },
    },
    {
      title: "takes what was in force a moment before the packet",
      flow: flow(),
      policies: [
        [usual, began],
        [denying, at - 2 * second],
      ],
      is: { checked: 2, skipped: [], kinds: [] },
    },
    {
      title: "takes what came a moment after the packet",
      flow: denial(),
      policies: [
        [usual, began],
        [denying, at + 2 * second],
      ],
      is: { checked: 1, skipped: [], kinds: [] },
    },
    {
      title: "does not take what came long after the packet",
      flow: denial(),
      policies: [
        [usual, began],
        [denying, at + 20 * second],
      ],
      is: { checked: 1, skipped: [], kinds: ["ingress denied"] },
    },
    {
      title: "does not take what was in force long before the packet",
      flow: flow(),
      policies: [
        [usual, began],
        [denying, at - 20 * second],
      ],
      is: { checked: 2, skipped: [], kinds: ["ingress allowed"] },
    },
    {
      title: "finds it although something else changes all the time",
      flow: flow(),
      policies: [
        [denying, began],
        ...Array.from({ length: 10 }, (_, n) => [policyIn({ web: "none" }), at - (10 - n) * 500_000] as const),
      ],
      is: { checked: 2, skipped: [], kinds: ["ingress allowed"] },
    },
    {
      title: "draws no conclusion where the policies around the packet differ and none of them agrees",
      flow: flow({ ingressRule: egressRule }),
      policies: [
        [usual, began],
        [denying, at - second],
      ],
      is: { checked: 1, skipped: ["changed"], kinds: [] },
    },
    {
      title: "draws no conclusion of what was before the first policies",
      flow: flow(),
      policies: [[usual, at - second]],
      is: { checked: 0, skipped: ["unknown-time", "unknown-time"], kinds: [] },
    },
    {
      title: "compares one of so many connections",
      flow: flow({ seq: 17 }),
      is: { checked: 0, skipped: [], kinds: [] },
    },
    { title: "compares none if told so", flow: flow(), sample: 0, is: { checked: 0, skipped: [], kinds: [] } },
    {
      title: "compares a connection once, at its beginning",
      flow: flow({ start: at + second }),
      is: { checked: 0, skipped: [], kinds: [] },
    },
    {
      title: "does not compare what an observing node reports",
      flow: flow(),
      policies: [[{ ...denying, mode: () => "observed" }, began]],
      is: { checked: 0, skipped: [], kinds: [] },
    },
  ];
  for (const { title, flow, policies, sample, is } of cases)
    it(title, () => assert.deepEqual(kinds(told(flow, policies, sample)), is));

  it("tells all that it takes to ask again", () => {
    const [disagreement] = told(flow(), [[denying, began]]).disagreements;
    assert.ok(disagreement);
    const { kernel, evaluator, packet: asked, revision, placementVersion, ends: whose, node } = disagreement;
    assert.deepEqual(kernel, { action: "allow", rule: ingressRule });
    assert.deepEqual(evaluator, { action: "deny", rule: denyRule });
    assert.deepEqual([asked.source, asked.destinationPort, node], ["10.1.0.5", 80, "node-1"]);
    assert.deepEqual([revision, placementVersion, whose], [denying.program.revision, 1, ends]);
    assert.deepEqual(denying.evaluate(asked).ingress?.rule, evaluator.rule);
  });

  it("says nothing of an address whose owner the evaluator takes for somebody else", () => {
    const result: Skip[] = [];
    const agreement = new Agreement({
      sample: 1,
      onChecked: () => {},
      onSkipped: (why) => result.push(why),
      onDisagreement: () => assert.fail("a stranger's verdict was compared"),
    });
    agreement.use(denying, began);
    const others = { source: pod("shop/other", {}, "node-1"), destination: pod("shop/another", {}, "node-1") };
    agreement.check(flow(), others, new RuleBook());
    assert.deepEqual(result, ["unknown-endpoint", "unknown-endpoint"]);
  });
});

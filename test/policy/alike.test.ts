import assert from "node:assert/strict";
import fc from "fast-check";
import type { Alike, Takeover } from "../../policy/effect/alike.ts";
import { type Decider, deciderKey, deciderOf, isPolicy, nobody } from "../../policy/effect/decider.ts";
import { effectOf } from "../../policy/effect.ts";
import { effectSummary, effectText } from "../../policy/effect-text.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { policyTitle } from "../../policy/kind-names.ts";
import type { RuleOrigin } from "../../policy/program.ts";
import { hasPorts } from "../../policy/protocol.ts";
import type { Situation } from "../../policy/space/situation.ts";
import type { Packet, Verdict } from "../../policy/verdict.ts";
import { arbitraryWorld, arbitraryWorldPacket } from "../support/arbitrary-world.ts";
import { compiledWorld } from "../support/compiled-world.ts";
import { arbitraryDraft, situationOfDrafts, smallUniverse } from "../support/small-cluster.ts";
import { type WorldBuilder, world } from "../support/world.ts";

/** Whose word it is, by the evaluator: of a denial one, of what is allowed those of either direction. */
type Words = readonly (readonly Decider[])[];

function wordsOf({ action, egress, ingress, hosts }: Verdict, { program }: Situation): Words {
  const origins = [...hosts, egress, ingress].flatMap((path): readonly RuleOrigin[] =>
    path === null || path.rule === null || path.action !== action ? [] : [program.rules.get(path.rule) as RuleOrigin],
  );
  if (action === "deny") return [origins.map(deciderOf)];
  return ["egress", "ingress"].map((wanted) => origins.filter(({ direction }) => direction === wanted).map(deciderOf));
}

const has = (deciders: readonly Decider[], decider: Decider) =>
  deciders.some((one) => deciderKey(one) === deciderKey(decider));

/** Whoever among the ones is none of the others, and is a policy, is told to have handed over to one of these. */
function assertTold(
  ones: readonly Decider[],
  others: readonly Decider[],
  takeovers: readonly { readonly from: readonly Decider[]; readonly to: readonly Decider[] }[],
  context: string,
): void {
  for (const one of ones.filter((decider) => isPolicy(decider) && !has(others, decider)))
    assert(
      takeovers.some(
        ({ from, to }) => has(from, one) && (others.length === 0 ? [nobody] : others).some((other) => has(to, other)),
      ),
      `${policyTitle(one)} ${context}`,
    );
}

/** Holds what is told of two situations that allow the same against what the evaluators say, packet by packet. */
function assertAgrees(before: Situation, after: Situation, packets: readonly Packet[]): boolean {
  const effect = effectOf(before, after, { limit: Number.POSITIVE_INFINITY });
  if (effect.alike === null) {
    assert(effect.changes.length > 0);
    return false;
  }
  const { alike } = effect;
  const decide = [before, after].map(({ program, placement }) => evaluatorOf(program, placement));
  const verdicts = (packet: Packet) => decide.map((evaluate) => evaluate(packet)) as [Verdict, Verdict];
  for (const packet of packets) {
    const [was, is] = verdicts(packet);
    if (was.exempt !== null && is.exempt !== null) continue;
    const context = `${was.action}: ${JSON.stringify(packet)}\n${effectText(effect)}`;
    assert.equal(was.action, is.action, context);
    const takeovers = alike.takeovers.filter(({ action }) => action === was.action);
    const [old, now] = [wordsOf(was, before), wordsOf(is, after)];
    for (const [at, ones] of old.entries()) {
      const others = now[at] as readonly Decider[];
      assertTold(
        ones,
        others,
        takeovers.map(({ was, now }) => ({ from: was, to: now })),
        context,
      );
      assertTold(
        others,
        ones,
        takeovers.map(({ was, now }) => ({ from: now, to: was })),
        context,
      );
    }
    assertIdle(alike, [was, is], [before, after], context);
  }
  for (const one of alike.takeovers) assertShows(one, verdicts(one.example.packet), [before, after]);
  for (const one of alike.overruled) assertOverruled(one, verdicts(one.example.packet), [before, after]);
  return alike.takeovers.length > 0;
}

/** Policies of which it is told that they decide nothing where they differ. */
function assertIdle(
  { idle, overruled }: Alike,
  verdicts: readonly Verdict[],
  situations: readonly Situation[],
  context: string,
): void {
  const silent = new Set([...idle, ...overruled.flatMap(({ was }) => was)].map(policyTitle));
  const rules = situations.map(({ program }) => program.rules);
  for (const { action, egress, ingress, hosts } of verdicts)
    for (const path of [...hosts, egress, ingress]) {
      const rule = path?.rule ?? null;
      if (path?.action !== action || rule === null || rules.every((known) => known.has(rule))) continue;
      const origin = rules.map((known) => known.get(rule)).find((found) => found !== undefined) as RuleOrigin;
      assert(!silent.has(policyTitle(origin)), `${policyTitle(origin)} decides, ${context}`);
    }
}

function assertShows(
  { action, was, now }: Takeover,
  verdicts: readonly Verdict[],
  situations: readonly Situation[],
): void {
  for (const [at, deciders] of [was, now].entries()) {
    const verdict = verdicts[at] as Verdict;
    assert.equal(verdict.action, action);
    const words = wordsOf(verdict, situations[at] as Situation).flat();
    assert(has(deciders, nobody) || words.some((one) => has(deciders, one)), JSON.stringify({ deciders, words }));
  }
}

function assertOverruled({ now }: Takeover, verdicts: readonly Verdict[], situations: readonly Situation[]): void {
  const deniers = verdicts.flatMap((verdict, at) =>
    verdict.action === "deny" ? wordsOf(verdict, situations[at] as Situation).flat() : [],
  );
  assert.equal(deniers.length, 2);
  assert(deniers.some((one) => has(now, one)));
}

describe("policy/effect/alike", () => {
  it("names who decides now what a policy decided, on a small cluster", function () {
    this.timeout(30_000);
    const drafts = fc.array(arbitraryDraft, { minLength: 1, maxLength: 3 });
    const places = fc.tuple(fc.nat(), fc.nat(), fc.boolean());
    let handedOver = 0;
    fc.assert(
      fc.property(drafts, places, (some, [doubled, gone, isReversed]) => {
        const twice = [...some, some[doubled % some.length] ?? null];
        const without = twice.map((draft, at) => (at === gone % twice.length ? null : draft));
        const pair = [situationOfDrafts(twice), situationOfDrafts(without)] as const;
        const [before, after] = isReversed ? [pair[1], pair[0]] : pair;
        if (assertAgrees(before, after, smallUniverse)) handedOver += 1;
      }),
      { numRuns: 120 },
    );
    assert(handedOver > 10, `${handedOver} cases with something to tell`);
  });

  it("names them in whole worlds, with host endpoints and whoever else there is", function () {
    this.timeout(30_000);
    const bare = arbitraryWorldPacket.filter(({ interfaces, translated }) => !interfaces && !translated);
    const usable = bare.filter(({ protocol, destinationPort }) => !hasPorts(protocol) || destinationPort > 0);
    const packets = fc.array(usable, { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(arbitraryWorld, fc.nat(), packets, (one, gone, some) => {
        const policies = one.policies.filter((_, at) => at !== gone % one.policies.length);
        assertAgrees(compiledWorld(one), compiledWorld({ ...one, policies }), some);
        assertAgrees(compiledWorld({ ...one, policies }), compiledWorld(one), some);
      }),
      { numRuns: 100 },
    );
  });

  const deny = (end: string, selector: string) => [{ action: "Deny", [end]: { selector } }];
  const twoPods = () => world().tier("t", 1, "Pass").pod("a/web", { app: "web" }).pod("a/db", { app: "db" });
  const egress = (builder: WorldBuilder, name = "t.out") =>
    builder.global(name, {
      tier: "t",
      order: 1,
      selector: "app == 'web'",
      types: ["Egress"],
      egress: deny("destination", "app == 'db'"),
    });
  const ingress = (builder: WorldBuilder) =>
    builder.global("t.in", {
      tier: "t",
      order: 2,
      selector: "app == 'db'",
      types: ["Ingress"],
      ingress: deny("source", "app == 'web'"),
    });
  /** With a host endpoint on the pods' node, and what lets pods send. */
  const hosted = () =>
    twoPods()
      .node("node-a", "172.18.0.1")
      .node("node-b", "172.18.0.2")
      .host("h", { node: "node-a", interfaceName: "*", profiles: ["projectcalico-default-allow"] }, { host: "yes" })
      .global("t.all", { tier: "t", selector: "has(app)", types: ["Egress"], egress: [{ action: "Allow" }] });
  const example = "(e.g. a/web -> a/db, TCP 443)";
  for (const { title, before, after, text } of [
    {
      title: "a denial that the other end upholds",
      before: ingress(egress(twoPods())),
      after: ingress(twoPods()),
      text: `what t.out denied is still denied by t.in ${example}`,
    },
    {
      title: "a denial that comes before another",
      before: ingress(twoPods()),
      after: ingress(egress(twoPods())),
      text: `what t.in denied is still denied by t.out ${example}`,
    },
    {
      title: "a denial that is never asked for",
      before: ingress(egress(twoPods())),
      after: egress(twoPods()),
      text: `what t.in would deny is denied before, by t.out ${example}`,
    },
    {
      title: "a policy under another name",
      before: egress(twoPods(), "t.one"),
      after: egress(twoPods(), "t.other"),
      text: `what t.one denied is still denied by t.other ${example}`,
    },
    {
      title: "a rule put in other words",
      before: egress(twoPods()),
      after: twoPods().global("t.out", {
        tier: "t",
        order: 1,
        selector: "app == 'web'",
        types: ["Egress"],
        egress: [{ action: "Pass", destination: { notSelector: "app == 'db'" } }, ...deny("destination", "has(app)")],
      }),
      text: "what differs in t.out decides as it did",
    },
    {
      title: "a policy that is about nobody",
      before: twoPods(),
      after: twoPods().global("t.none", { tier: "t", selector: "app == 'x'", egress: [{ action: "Deny" }] }),
      text: "what differs in t.none decides about no connection",
    },
    {
      title: "a permission where nothing was forbidden",
      before: twoPods(),
      after: twoPods().policy("a/t.all", { tier: "t", selector: "app == 'db'", ingress: [{ action: "Allow" }] }),
      text: "what the default where no policy decides allowed is still allowed by a/t.all (e.g. a/web -> a/db, TCP 443)",
    },
    {
      title: "a host that now has a say in what it passes on",
      before: hosted(),
      after: hosted().global("t.forward", {
        tier: "t",
        selector: "has(host)",
        types: ["Egress"],
        applyOnForward: true,
        egress: [{ action: "Allow" }],
      }),
      text: "what t.all, the absence of policies and the default where no policy decides allowed is still allowed by t.forward (e.g. a/db -> a/web, TCP 443)",
    },
    { title: "nothing at all", before: egress(twoPods()), after: egress(twoPods()), text: "" },
  ])
    it(`tells of ${title}`, () => {
      const [old, now] = [before, after].map((builder) => {
        const made = builder.world();
        return { program: made.program(), placement: made.placement() };
      }) as [Situation, Situation];
      const effect = effectOf(old, now);
      const nothing = text === "" ? "every connection is decided as before" : text;
      assert.equal(effectText(effect), `changes nothing: ${nothing}\n`);
      assert.equal(effectSummary(effect), text === "" ? "changes no connection" : `changes no connection: ${text}`);
    });
});

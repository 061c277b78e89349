import assert from "node:assert/strict";
import { defaultSettings, render } from "../../enforcer/render.ts";
import { nameOf } from "../../enforcer/ruleset.ts";
import type { Program } from "../../policy/program.ts";
import type { Verdict } from "../../policy/verdict.ts";
import { World } from "../../policy/world.ts";
import { sources } from "../support/agreement/source.ts";
import { Expectations } from "../support/dataplane/expectation.ts";
import { outcomesInMemory } from "../support/dataplane/in-memory.ts";
import { trialOf } from "../support/dataplane/trial.ts";
import { whyUntellable } from "../support/dataplane/untellable.ts";
import { viewOf } from "../support/render-all.ts";
import { type WorldBuilder, world } from "../support/world.ts";

const stagedKinds = new Set(["snp", "sgnp", "sknp"]);
const isStaged = ({ rules }: Program, rule: string) => stagedKinds.has(rules.get(rule as never)?.kind ?? "");

/** Rules of staged policies that take part in a verdict, as the kernel would count them. */
function expectedOf(program: Program, { egress, ingress, hosts }: Verdict): ReadonlySet<string> {
  const steps = [egress, ingress, ...hosts].flatMap((path) => path?.steps ?? []);
  const counts = steps.filter(({ rule, action }) => action !== "pass" || (program.rules.get(rule)?.rule ?? -1) >= 0);
  return new Set(counts.map(({ rule }) => rule).filter((rule) => isStaged(program, rule)));
}

describe("what is staged about host endpoints, in the ruleset", () => {
  const open = { node: "n", profiles: ["projectcalico-default-allow"], interfaceName: "eth0" };
  const hosts = { selector: "role == 'host'", stagedAction: "Set" };
  const chainsIn = (builder: WorldBuilder) => {
    const made = builder.node("n", "192.0.2.1").host("eth0", open, { role: "host" }).world();
    const placement = made.placement();
    const { ruleset } = render(made.program(), placement, viewOf(placement, "n"), made.pending());
    return [...ruleset.chains.keys()].filter((name) => name.startsWith("staged")).sort();
  };

  const cases: readonly (readonly [title: string, spec: object, chains: readonly string[]])[] = [
    ["normal, in", { ingress: [{ action: "Deny" }] }, ["staged_host_input_input"]],
    ["normal, out", { types: ["Egress"], egress: [{ action: "Deny" }] }, ["staged_host_output_postrouting"]],
    [
      "preDNAT",
      { preDNAT: true, applyOnForward: true, ingress: [{ action: "Deny" }] },
      ["staged_host_pre_dnat_prerouting"],
    ],
    [
      "doNotTrack, out",
      { doNotTrack: true, applyOnForward: true, types: ["Egress"], egress: [{ action: "Deny" }] },
      ["staged_host_raw_out_output", "staged_host_tracked_out_output"],
    ],
  ];
  for (const [title, spec, chains] of cases)
    it(`${title}: has chains of its own beside those of what the host asks already`, () => {
      const found = chainsIn(world().staged("s", { ...hosts, ...spec }));
      assert.deepEqual(
        chains.filter((name) => !found.includes(nameOf(name))),
        [],
      );
    });

  it("has no chains where nothing is staged about the host", () => {
    assert.deepEqual(chainsIn(world().staged("s", { selector: "role == 'none'", ingress: [{ action: "Deny" }] })), []);
  });

  it("changes nothing: no verdict, no log, no rule in a label", () => {
    const made = world()
      .node("n", "192.0.2.1")
      .host("eth0", open, { role: "host" })
      .staged("s", {
        ...hosts,
        types: ["Ingress", "Egress"],
        ingress: [{ action: "Deny" }],
        egress: [{ action: "Log" }],
      })
      .staged("t", { ...hosts, preDNAT: true, applyOnForward: true, ingress: [{ action: "Log" }, { action: "Deny" }] })
      .world();
    const placement = made.placement();
    const { ruleset } = render(made.program(), placement, viewOf(placement, "n", [], defaultSettings), made.pending());
    const staged = [...ruleset.chains.values()].filter(({ name }) => name.startsWith("staged_host"));
    const reach = new Set(staged.flatMap(({ rules }) => rules));
    const queue = [...reach];
    for (let rule = queue.pop(); rule !== undefined; rule = queue.pop())
      for (const statement of rule.statements) {
        const to = statement.do === "jump" ? [statement.to] : [];
        const entries =
          statement.do === "dispatch" ? [...(ruleset.maps.get(statement.map)?.entries.values() ?? [])] : [];
        for (const name of [...to, ...entries.flatMap((entry) => (entry.verdict === "jump" ? [entry.to] : []))])
          for (const next of ruleset.chains.get(name)?.rules ?? [])
            if (!reach.has(next)) {
              reach.add(next);
              queue.push(next);
            }
      }
    const done = new Set([...reach].flatMap(({ statements }) => statements.map((one) => one.do)));
    assert.deepEqual([...done].sort(), ["accept", "count", "dispatch", "jump", "settle"]);
  });

  it("counts what would decide with everything staged in force, in random worlds", () => {
    const runs = Number(process.env["FUZZ_RUNS"] ?? 12);
    let [compared, hits] = [0, 0];
    for (let seed = 1; seed <= runs; seed++) {
      const { contest, packets } = sources.objects(seed);
      assert.ok(contest !== null);
      const made = new World({ podToHost: contest.podToHost });
      made.apply(contest.objects.map((object) => ({ type: "upsert", object })));
      const [program, placement, pending] = [made.program(), made.placement(), made.pending()];
      const options = { beyondSecond: new Set(contest.beyondSecond), pending, deny: contest.deny };
      const trial = trialOf(program, placement, options);
      const now = new Expectations(program, placement, trial.layout);
      const then = new Expectations(pending.program, pending.placement, trial.layout);
      for (const packet of packets) {
        const [inForce, expected] = [now.of(packet), then.of(packet)];
        const isSettledNow = inForce.verdict.hosts.some(
          ({ list, action }) => list === "untracked" && action === "allow",
        );
        if (inForce.answer.action === "deny" || isSettledNow || expected.isNeverTranslated) continue;
        if (whyUntellable(trial.layout, pending.placement, packet) !== undefined) continue;
        const counted = outcomesInMemory(trial, packet, "new").flatMap((outcome) => outcome.counted);
        const found = new Set(counted.map((name) => name.slice(2)).filter((rule) => isStaged(pending.program, rule)));
        const wanted = expectedOf(pending.program, expected.verdict);
        const text = `seed ${seed}: ${JSON.stringify(packet)} ${JSON.stringify(expected.verdict)}`;
        assert.deepEqual(
          [...wanted].filter((rule) => !found.has(rule)),
          [],
          `not counted, ${text}`,
        );
        // What would be denied goes on in truth, and meets what other endpoints would be asked.
        if (expected.verdict.action === "allow") assert.deepEqual([...found].sort(), [...wanted].sort(), text);
        compared++;
        hits += wanted.size;
      }
    }
    assert.ok(compared > (100 * runs) / 10 && hits > runs, `${compared} packets, ${hits} hits`);
  }).timeout(120_000);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalText } from "../../policy/compile.ts";
import { Controls } from "../../policy/controls.ts";
import type { Fact } from "../../policy/kinds/read.ts";
import { readFact } from "../../policy/kinds/read.ts";
import type { Policy, StagedAction } from "../../policy/model.ts";
import { Population } from "../../policy/population.ts";
import { defaultProgramSettings } from "../../policy/program-settings.ts";
import type { View } from "../../policy/view.ts";
import { naivePlace, plain } from "../support/naive-place.ts";
import { world } from "../support/world.ts";

const endpoints = world().namespace("a").pod("a/web", { app: "web" }).pod("a/api").world().placement().endpoints;

function policy(name: string, app: string, staged: StagedAction | null): Policy {
  const builder = world().policy(`a/${name}`, { selector: `app == '${app}'`, types: ["Ingress"] });
  const read = readFact(builder.objects[0] as (typeof builder.objects)[number]);
  assert.ok("value" in read && read.value.type === "policy");
  return { ...read.value.policy, kind: staged === null ? "np" : "snp", staged };
}

const keyFor = ({ kind, name }: Policy) => `${kind}/${name}`;

/** Controls among two pods, with all that a World does between them. */
class Setting {
  readonly population = new Population();
  readonly controls = new Controls(this.population, defaultProgramSettings);
  readonly #facts = new Map<string, Fact>();

  put(key: string, policy: Policy | undefined): void {
    const before = this.#facts.get(key);
    const after: Fact | undefined = policy && { type: "policy", policy };
    if (after === undefined) this.#facts.delete(key);
    else this.#facts.set(key, after);
    this.controls.put(key, before, after);
  }

  ask(): unknown {
    const pending = this.controls.pending() ?? this.controls.inForce;
    const views = this.controls.views();
    for (const view of views) view.settle();
    const movement = this.population.update({ endpoints, services: new Map() });
    for (const view of views) view.move(movement);
    return { inForce: told(this.controls.inForce), pending: told(pending) };
  }

  policiesPending(): readonly string[] {
    const { rules } = (this.controls.pending() ?? this.controls.inForce).program();
    const names = [...rules.values()]
      .filter(({ kind }) => kind !== "pro" && kind !== "failsafe")
      .map(({ kind, name }) => `${kind} ${name}`);
    return [...new Set(names)].sort();
  }
}

function told(view: View): unknown {
  const [program, placement] = [view.program(), view.placement()];
  const expected = naivePlace(program, [...endpoints.values()], []);
  assert.deepEqual(plain(placement), plain(expected));
  return { text: canonicalText(program), revision: program.revision };
}

const cases: readonly { title: string; policies: readonly Policy[]; pending: readonly string[] }[] = [
  {
    title: "set takes the place of the policy of its name",
    policies: [policy("x", "web", null), policy("x", "api", "set")],
    pending: ["snp x"],
  },
  {
    title: "set without one in force comes to it",
    policies: [policy("x", "web", null), policy("y", "api", "set")],
    pending: ["np x", "snp y"],
  },
  { title: "learn counts as set", policies: [policy("x", "web", "learn")], pending: ["snp x"] },
  {
    title: "delete removes the policy of its name",
    policies: [policy("x", "web", null), policy("x", "web", "delete")],
    pending: [],
  },
  {
    title: "ignore changes nothing",
    policies: [policy("x", "web", null), policy("x", "api", "ignore")],
    pending: ["np x"],
  },
];

describe("what would be with everything staged", () => {
  for (const { title, policies, pending } of cases)
    for (const order of [policies, policies.toReversed()])
      it(`${title}${order === policies ? "" : ", in whatever order they come"}`, () => {
        const setting = new Setting();
        for (const one of order) {
          setting.put(keyFor(one), one);
          setting.ask();
        }
        assert.deepEqual(setting.policiesPending(), pending);
      });

  it("is what it would be from scratch after any changes, and what is in force knows nothing of it", () => {
    const change = fc.record({
      name: fc.constantFrom("x", "y"),
      app: fc.constantFrom("web", "api"),
      staged: fc.constantFrom<StagedAction | null>(null, null, "set", "learn", "delete", "ignore"),
      gone: fc.boolean(),
      asked: fc.boolean(),
    });
    const property = fc.property(fc.array(change, { maxLength: 30, size: "max" }), (changes) => {
      const setting = new Setting();
      const left = new Map<string, Policy>();
      for (const { name, app, staged, gone, asked } of changes) {
        const one = policy(name, app, staged);
        setting.put(keyFor(one), gone ? undefined : one);
        if (gone) left.delete(keyFor(one));
        else left.set(keyFor(one), one);
        if (asked) setting.ask();
      }
      const scratch = new Setting();
      for (const [key, one] of left) scratch.put(key, one);
      assert.deepEqual(setting.ask(), scratch.ask());
    });
    fc.assert(property, { numRuns: 100 });
  }).timeout(60_000);
});

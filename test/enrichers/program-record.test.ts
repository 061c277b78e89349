import assert from "node:assert/strict";
import { programCodec } from "../../core/records/codec.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { RuleId } from "../../core/rule-id.ts";
import { Enricher, type Remembered } from "../../enrichers/enrich.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Program } from "../../policy/program.ts";
import { revisionOf } from "../../policy/revision.ts";
import { World } from "../../policy/world.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawFlow, seconds } from "../support/flows.ts";
import { synced, upsert } from "../support/objects.ts";
import { world } from "../support/world.ts";

/** A tier with one policy that lets ports in to the destination of rawFlow, on node-1. */
function worldWith(port: number): World {
  const result = new World();
  const { objects } = world()
    .namespace("prod-shop")
    .tier("app", 100)
    .policy("prod-shop/app.api", {
      tier: "app",
      selector: "app == 'api'",
      ingress: [{ action: "Allow", protocol: "TCP", destination: { ports: [port] } }],
    })
    .pod("prod-shop/api", { app: "api" }, { node: "node-1", ips: ["10.2.0.7"] });
  assert.deepEqual(result.apply([...objects.map(upsert), synced]), []);
  return result;
}

function policyOf(made: World) {
  const [program, placement] = [made.program(), made.placement()];
  return { program, placement, evaluate: evaluatorOf(program, placement), mode: () => "enforced" as const };
}

function enricherOf(remembered?: Remembered): Enricher {
  const enricher = new Enricher({ clock: new FakeClock(), cluster: "lab" });
  if (remembered !== undefined) enricher.remember(remembered);
  return enricher;
}

const [first, second] = [policyOf(worldWith(8080)), policyOf(worldWith(9090))];
const allowOf = ({ program }: typeof first): RuleId =>
  [...program.rules].find(([, { tier, action }]) => tier === "app" && action === "allow")?.[0] as RuleId;

describe("enrichers/program-record", () => {
  it("tells a program once, however often it is used, and again when it returns", () => {
    const enricher = enricherOf();
    const told = [first, first, second, first].flatMap((policy) => enricher.use(policy));
    assert.deepEqual(
      told.map(({ revision }) => revision),
      [first, second, first].map(({ program }) => program.revision),
    );
  });

  it("holds the text from which the revision can be computed, the time and the names of all rules, and survives its codec", () => {
    const [record] = enricherOf().use(first);
    assert.ok(record);
    const { applies } = JSON.parse(record.text) as Pick<Program, "applies">;
    assert.equal(revisionOf(applies), record.revision);
    assert.deepEqual([record.cluster, record.start], ["lab", seconds(0)]);
    assert.deepEqual(new Set(record.rules.map(({ id }) => id)), new Set(first.program.rules.keys()));
    assert.deepEqual(
      record.rules.find(({ id }) => id === allowOf(first)),
      {
        id: allowOf(first),
        tier: "app",
        kind: "np",
        namespace: "prod-shop",
        name: "app.api",
        direction: "ingress",
        action: "allow",
        rule: 0,
      },
    );
    const codec = programCodec();
    assert.deepEqual(codec.decode(codec.encode(record)), record);
  });

  it("the program that was in force before a restart is not told again", () => {
    const programs = enricherOf().use(first);
    assert.deepEqual(enricherOf({ tenures: [], programs }).use(first), []);
  });

  it("of several remembered programs the one that came last was in force", () => {
    const [one] = enricherOf().use(first);
    const [other] = enricherOf().use(second);
    assert.ok(one && other);
    const programs = [{ ...other, start: other.start + 1 }, one];
    assert.deepEqual(enricherOf({ tenures: [], programs }).use(second), []);
    assert.equal(enricherOf({ tenures: [], programs }).use(first).length, 1);
  });

  const flows: readonly {
    readonly title: string;
    readonly remembers: boolean;
    readonly enforced: string;
    readonly revision: string;
    readonly from: Flow["verdictSource"];
  }[] = [
    {
      title: "a connection that an earlier program allowed is explained after a restart",
      remembers: true,
      enforced: "0|app|np:prod-shop/app.api|allow|0",
      revision: first.program.revision,
      from: "kernel",
    },
    {
      title: "without memory its rule is nobody's, and only the evaluator has a say",
      remembers: false,
      enforced: "0|app|np:prod-shop/app.api|deny|-1",
      revision: second.program.revision,
      from: "evaluated",
    },
  ];
  for (const { title, remembers, enforced, revision, from } of flows)
    it(title, () => {
      const programs = enricherOf().use(first);
      const enricher = enricherOf(remembers ? { tenures: [], programs } : undefined);
      enricher.update([
        ...world()
          .pod("prod-shop/api", { app: "api" }, { node: "node-1", ips: ["10.2.0.7"] })
          .objects.map(upsert),
        synced,
      ]);
      enricher.use(second);
      const [flow] = enricher.stage([rawFlow({ ingressRule: allowOf(first) })]) as readonly Flow[];
      assert.deepEqual([flow?.enforced, flow?.programRevision, flow?.verdictSource], [[enforced], revision, from]);
    });
});

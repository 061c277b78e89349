import assert from "node:assert/strict";
import type { RawFlow } from "../../core/records/flow.ts";
import { Enricher } from "../../enrichers/enrich.ts";
import type { PolicyInForce } from "../../enrichers/verdict.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { World } from "../../policy/world.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawDenial, rawFlow } from "../support/flows.ts";
import { synced } from "../support/objects.ts";
import { world as builder } from "../support/world.ts";

// dev-shop/web-1 (10.1.0.5) is on node-1, prod-shop/api-0 (10.2.0.7) on node-2; policy lets web talk to api's port 8080.
const tier = "app";
const api = { tier, order: 100, selector: "app == 'api'" };
const base = () =>
  builder()
    .namespace("dev-shop")
    .namespace("prod-shop")
    .node("node-1", "192.168.0.1")
    .node("node-2", "192.168.0.2")
    .pod("dev-shop/web-1", { app: "web" }, { node: "node-1", ips: ["10.1.0.5"] })
    .pod("prod-shop/api-0", { app: "api" }, { node: "node-2", ips: ["10.2.0.7"] })
    .tier(tier, 100)
    .global("app.api", { ...api, ingress: [{ action: "Allow", protocol: "TCP", destination: { ports: [8080] } }] });

interface Case {
  readonly title: string;
  readonly world: ReturnType<typeof builder>;
  readonly flow: RawFlow;
  readonly pending: readonly string[];
}

const profile = "0|__PROFILE__|pro:kns.dev-shop|allow|0";
const denies = (name: string, order: number) => ({ name, spec: { ...api, order, ingress: [{ action: "Deny" }] } });
const withStaged = ({ name, spec }: ReturnType<typeof denies>) => base().staged(name, spec);

const { sourceAddress, destinationAddress } = rawFlow();
const related = { protocol: 6, sourceAddress, sourcePort: 40_000, destinationAddress, destinationPort: 21 };
const cases: readonly Case[] = [
  { title: "nothing is staged", world: base(), flow: seenBy("node-2"), pending: [] },
  {
    title: "a staged policy would deny what is allowed",
    world: withStaged(denies("app.closed", 1)),
    flow: seenBy("node-2"),
    pending: ["0|app|sgnp:app.closed|deny|0"],
  },
  {
    title: "a staged policy comes too late to change anything",
    world: withStaged(denies("app.closed", 5_000)),
    flow: seenBy("node-2"),
    pending: ["0|app|gnp:app.api|allow|0"],
  },
  {
    title: "the node of the source tells its egress",
    world: withStaged(denies("app.closed", 1)),
    flow: seenBy("node-1"),
    pending: [profile],
  },
  {
    title: "a node on the way tells nothing",
    world: withStaged(denies("app.closed", 1)),
    flow: seenBy("node-3"),
    pending: [],
  },
  {
    title: "a staged policy would allow what is denied",
    world: base().staged("app.open", { ...api, ingress: [{ action: "Allow" }] }),
    flow: rawDenial("ingress", { node: "node-2", destinationPort: 9 }),
    pending: ["0|app|sgnp:app.open|allow|0"],
  },
  {
    title: "another connection announced it, so that no policy is asked",
    world: withStaged(denies("app.closed", 1)),
    flow: rawFlow({ node: "node-2", related }),
    pending: [],
  },
  {
    title: "no policy had a say in a denial",
    world: withStaged(denies("app.closed", 1)),
    flow: rawDenial("ingress", { node: "node-2", reason: "invalid" }),
    pending: [],
  },
];

function seenBy(node: string): RawFlow {
  return rawFlow({ node });
}

describe("what staged policies would do", () => {
  for (const { title, world, flow, pending } of cases)
    it(title, async () => {
      const [enriched] = await enricherOf(world).stage([flow]);
      assert.deepEqual(enriched?.pending, pending);
    });

  it("is forgotten when nothing is staged any more", async () => {
    const enricher = enricherOf(withStaged(denies("app.closed", 1)));
    const { policy } = policiesOf(base());
    enricher.use(policy);
    const [enriched] = await enricher.stage([seenBy("node-2")]);
    assert.deepEqual(enriched?.pending, []);
  });
});

function policiesOf(world: ReturnType<typeof builder>) {
  const policies = new World();
  policies.apply(world.objects.map((object) => ({ type: "upsert", object })));
  const inForce = ({ program, placement }: ReturnType<World["pending"]>): PolicyInForce => ({
    ...{ program, placement, evaluate: evaluatorOf(program, placement) },
    mode: () => "enforced",
  });
  const current = { program: policies.program(), placement: policies.placement() };
  const pending = policies.pending();
  return { policy: inForce(current), staged: pending.program === current.program ? undefined : inForce(pending) };
}

function enricherOf(world: ReturnType<typeof builder>): Enricher {
  const enricher = new Enricher({ clock: new FakeClock(), cluster: "lab" });
  enricher.update([...world.objects.map((object) => ({ type: "upsert", object }) as const), synced]);
  const { policy, staged } = policiesOf(world);
  enricher.use(policy, new Map(), staged);
  return enricher;
}

import assert from "node:assert/strict";
import { render } from "../../enforcer/render.ts";
import { interfaceOf } from "../support/journey.ts";
import { viewOf } from "../support/render-all.ts";
import { type Sighting, simulate } from "../support/simulate.ts";
import { world } from "../support/world.ts";

// web may send anywhere; a staged policy would deny its port 80, and let 443 through before a policy in force says no.
const staged = world()
  .namespace("a")
  .pod("a/web", { app: "web" }, { node: "n", ips: ["10.1.0.1"] })
  .pod("a/api", { app: "api" }, { node: "n", ips: ["10.1.0.2"] })
  .global("closed", {
    order: 20,
    selector: "app == 'web'",
    egress: [{ action: "Deny", protocol: "UDP" }, { action: "Allow" }],
  })
  .staged("next", {
    ...{ stagedAction: "Set", order: 10, selector: "app == 'web'", types: ["Egress"] },
    egress: [{ action: "Deny", protocol: "TCP", destination: { ports: [80] } }, { action: "Pass" }],
  })
  .world();

function hit(port: number, protocol: number, from = "10.1.0.1") {
  const [program, placement, pending] = [staged.program(), staged.placement(), staged.pending()];
  const { ruleset, problems } = render(program, placement, viewOf(placement, "n"), pending);
  assert.deepEqual(problems, []);
  const packet = {
    source: from,
    destination: "8.8.8.8",
    protocol,
    sourcePort: 40_000,
    destinationPort: port,
    icmp: null,
  };
  const sighting = {
    packet,
    hook: "forward",
    from: interfaceOf(from as never),
    to: "eth0",
    state: "new",
    hopLimit: 64,
    localSource: false,
  };
  const outcome = simulate(ruleset, sighting as unknown as Sighting);
  const name = (counter: string) => {
    const { kind, action, rule } = pending.program.rules.get(counter.slice(2) as never) ?? {
      kind: "?",
      action: "?",
      rule: 0,
    };
    return `${kind} ${action} ${rule}`;
  };
  return { action: outcome.action, logs: outcome.logs.length, counted: outcome.counted.map(name) };
}

describe("what is staged, in the ruleset", () => {
  it("counts its hits and decides nothing", () => {
    assert.deepEqual(hit(80, 6), { action: "accept", logs: 0, counted: ["sgnp deny 0", "gnp allow 1"] });
  });

  it("counts a pass, and not the rules in force a second time", () => {
    assert.deepEqual(hit(443, 6), { action: "accept", logs: 0, counted: ["sgnp pass 1", "gnp allow 1"] });
  });

  it("does not keep what is in force from denying", () => {
    assert.deepEqual(hit(53, 17), { action: "drop", logs: 1, counted: ["sgnp pass 1", "gnp deny 0"] });
  });

  it("is not asked about what a node sends to its own pods", () => {
    const [program, placement, pending] = [staged.program(), staged.placement(), staged.pending()];
    const { ruleset } = render(program, placement, viewOf(placement, "n"), pending);
    const output = [...ruleset.chains.values()].filter(
      ({ base, name }) => base?.hook === "output" && name.startsWith("staged"),
    );
    for (const { rules } of output)
      assert.ok(rules.some(({ when }) => when.some((one) => one.if === "localSource" && !one.not)));
  });

  it("is not asked about pods for which nothing is staged", () => {
    assert.deepEqual(hit(80, 6, "10.1.0.2").counted, ["pro allow 0"]);
  });

  it("has no chains where nothing is staged", () => {
    const [program, placement] = [staged.program(), staged.placement()];
    const { ruleset } = render(program, placement, viewOf(placement, "n"));
    assert.deepEqual(
      [...ruleset.chains.keys()].filter((name) => name.startsWith("staged")),
      [],
    );
  });
});

import assert from "node:assert/strict";
import { diff } from "../../enforcer/diff.ts";
import { render } from "../../enforcer/render.ts";
import { type Chain, nameOf, type Ruleset } from "../../enforcer/ruleset.ts";
import { textOf } from "../../enforcer/text.ts";
import type { ClassId } from "../../policy/placement.ts";
import { assertGolden } from "../support/golden.ts";
import { inSet, instruction, type ProgramBuilder, ports, program, protocol } from "../support/program.ts";
import { viewOf } from "../support/render-all.ts";

const origin = [
  "# Written by test/enforcer/render.test.ts (UPDATE_GOLDEN=1): the whole ruleset of a node with three pods in two classes.",
  "# `web` passes from the first stage for friends; `api` is guarded by a named port, networks and an ICMP type.",
].join("\n");

function smallWorld(): ProgramBuilder {
  return program()
    .addresses("friends", "10.1.0.1", "fd01::1", "10.2.0.1")
    .cidrs("world", "0.0.0.0/0", "::/0")
    .cidrs("offices", "203.0.113.0/25", "203.0.113.128/26", "198.51.100.7/32")
    .ports("http", "10.1.0.2 6 8080", "fd01::2 6 8080")
    .block(
      "security",
      instruction(1, "next", inSet("destination", "friends")),
      instruction(2, "log", protocol(17)),
      instruction(3, "deny", inSet("destination", "world"), inSet("destination", "offices", true)),
    )
    .block(
      "guard",
      instruction(
        4,
        "allow",
        protocol(6),
        ports("destinationPort", ["443", "8443-8444", "@http"]),
        inSet("source", "friends"),
      ),
      instruction(5, "allow", { field: "icmp", type: 8, code: 0, not: false }),
    )
    .block("all", instruction(6, "allow"))
    .class("web", {
      egress: [
        [["security"], instruction(7, "deny")],
        [["all"], instruction(8, "deny")],
      ],
    })
    .class("api", {
      ingress: [
        [["guard", "all"], instruction(9, "next")],
        [["all"], instruction(8, "deny")],
      ],
    })
    .node("a", "192.0.2.1")
    .pod("web", "a", ["10.1.0.1", "fd01::1"], "web")
    .pod("api", "a", ["10.1.0.2", "fd01::2"], "api")
    .pod("plain", "a", ["10.1.0.3"])
    .pod("far", "b", ["10.2.0.1"], "web");
}

function renderFor(builder: ProgramBuilder, node = "a"): Ruleset {
  const placement = builder.placement();
  return render(builder.program(), placement, viewOf(placement, node, ["10.1.0.0/24", "fd01::/64"])).ruleset;
}

describe("the ruleset of a node", () => {
  it("is, for a small world, the one in the golden file", () => {
    assertGolden("enforcer/small-world.nft", `${origin}\n${textOf(diff(undefined, renderFor(smallWorld())))}\n`);
  });

  it("is the same again for the same input", () => {
    assert.equal(textOf(diff(undefined, renderFor(smallWorld()))), textOf(diff(undefined, renderFor(smallWorld()))));
  });

  it("holds no chains for pods of other nodes", () => {
    const here = smallWorld().pod("web2", "a", ["10.1.0.4"], "web");
    const there = smallWorld().pod("web2", "b", ["10.1.0.4"], "web");
    assert.deepEqual(chainsOf(renderFor(there)), chainsOf(renderFor(here)));
    assert.deepEqual(chainsOf(renderFor(there, "c")), baseChains);
  });

  it("is shared: pods of a class jump to the same chain", () => {
    const ruleset = renderFor(smallWorld().pod("web2", "a", ["10.1.0.4"], "web"));
    const entries = ruleset.maps.get(nameOf("egress4"))?.entries;
    assert.deepEqual(entries?.get("10.1.0.4" as never), entries?.get("10.1.0.1" as never));
  });

  it("changes by a map entry, a pair and a binding when a pod of a known class comes", () => {
    const before = renderFor(smallWorld());
    const after = renderFor(smallWorld().pod("web2", "a", ["10.1.0.4"], "web"));
    const changed = diff(before, after).map((command) =>
      [command.verb, "set" in command ? command.set : ""].join(" ").trim(),
    );
    assert.deepEqual(changed, [
      "add-elements bindings4",
      "add-elements bound4",
      "add-elements local_pods4",
      "add-elements self4",
      "add-entries",
      "add-entries",
    ]);
  });

  it("references a set that has no members yet, so that the first one needs no new rule", () => {
    const before = renderFor(smallWorld().addresses("friends"));
    const after = renderFor(smallWorld().addresses("friends", "10.9.9.9"));
    assert.deepEqual(
      diff(before, after).map(({ verb }) => verb),
      ["add-elements"],
    );
  });

  it("has no rules about IPv6 in the chains of a node whose pods have none, until one comes that has", () => {
    const four = program()
      .addresses("friends", "10.1.0.1", "fd01::1")
      .block("b", instruction(1, "allow", inSet("source", "friends")))
      .class("c", { ingress: [[["b"], instruction(2, "deny")]] })
      .pod("web", "a", ["10.1.0.1"], "c");
    const about6 = (ruleset: Ruleset) => [...ruleset.sets.keys()].filter((name) => name.startsWith("pods6_")).length;
    assert.equal(about6(renderFor(four)), 0);
    assert.equal(about6(renderFor(four.pod("web6", "a", ["fd01::2"], "c"))), 1);
  });

  it("is never deeper than three jumps, and mentions only what it declares", () => {
    const ruleset = renderFor(smallWorld());
    for (const chain of ruleset.chains.values()) if (chain.base !== null) assert.ok(depthOf(ruleset, chain) <= 3);
  });

  it("denies the pods of a class that is missing, and says so", () => {
    const builder = smallWorld();
    const placement = builder.placement();
    const broken = {
      ...placement,
      classes: new Map([...placement.classes].filter(([id]) => id !== ("web" as ClassId))),
    };
    const { ruleset, problems } = render(builder.program(), broken, viewOf(placement, "a"));
    assert.deepEqual(
      problems.map(({ subject }) => subject),
      ["web"],
    );
    assert.equal(ruleset.maps.get(nameOf("egress4"))?.entries.get("10.1.0.1" as never)?.verdict, "jump");
  });

  it("denies what reaches a block that is missing, and says so", () => {
    const builder = smallWorld().class("web", { egress: [[["nowhere"], instruction(7, "allow")]] });
    const placement = builder.placement();
    const { problems } = render(builder.program(), placement, viewOf(placement, "a"));
    assert.deepEqual(
      problems.map(({ subject }) => subject),
      ["nowhere"],
    );
  });

  it("leaves out an interface whose name nft would misread, and says so", () => {
    const builder = smallWorld();
    const placement = builder.placement();
    const view = viewOf(placement, "a");
    const interfaces = new Map([...view.interfaces].map(([address]) => [address, "slp*"]));
    const { ruleset, problems } = render(builder.program(), placement, { ...view, interfaces });
    assert.equal(ruleset.sets.get(nameOf("bindings4"))?.elements.size, 0);
    assert.equal(problems.length, 1);
  });
});

const baseChains = ["egress_forward", "egress_input", "ingress_forward", "ingress_output"];

/** Without those that every node has: of revoked connections, log messages and newcomers. */
function chainsOf(ruleset: Ruleset): readonly string[] {
  return [...ruleset.chains.keys()].filter((name) => !/^(?:revoked|log|newcomers)_/.test(name));
}

function depthOf(ruleset: Ruleset, chain: Chain): number {
  const targets = chain.rules.flatMap(({ statements }) =>
    statements.flatMap((statement) => {
      if (statement.do === "jump") return [statement.to];
      if (statement.do !== "dispatch") return [];
      const entries = [...(ruleset.maps.get(statement.map)?.entries.values() ?? [])];
      return entries.flatMap((verdict) => (verdict.verdict === "jump" ? [verdict.to] : []));
    }),
  );
  const depths = targets.map((name) => 1 + depthOf(ruleset, ruleset.chains.get(name) as Chain));
  return Math.max(0, ...depths);
}

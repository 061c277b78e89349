import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalText } from "../../policy/compile.ts";
import { World } from "../../policy/world.ts";
import { type WorldBuilder, world } from "../support/world.ts";

function sample(): WorldBuilder {
  return world()
    .tier("security", 1)
    .namespace("a")
    .global("security.quarantine", {
      tier: "security",
      selector: "has(quarantine)",
      types: ["Ingress", "Egress"],
      ingress: [{ action: "Deny" }],
      egress: [{ action: "Deny" }],
    })
    .policy("a/web", { selector: "app == 'web'", ingress: [{ action: "Allow", source: { selector: "app == 'api'" } }] })
    .kubernetesPolicy("a/api", {
      podSelector: { matchLabels: { app: "api" } },
      ingress: [
        {
          from: [{ podSelector: {} }, { ipBlock: { cidr: "192.0.2.0/24" } }],
          ports: [{ port: 80 }, { port: "http" }, { protocol: "UDP", port: 53 }],
        },
      ],
    });
}

describe("compile", () => {
  it("gives the same revision whatever the order of the objects", () => {
    const { objects } = sample();
    const revisionOf = (list: typeof objects) => {
      const shuffled = new World();
      shuffled.apply(list.map((object) => ({ type: "upsert", object })));
      return shuffled.program().revision;
    };
    fc.assert(
      fc.property(
        fc.shuffledSubarray(objects, { minLength: objects.length }),
        (list) => revisionOf(list) === revisionOf(objects),
      ),
    );
  });

  it("does not change when a pod comes", () => {
    const before = sample().world().program();
    const after = sample().pod("a/web", { app: "web" }).world().program();
    assert.equal(canonicalText(after), canonicalText(before));
    assert.equal(after.revision, before.revision);
  });

  it("changes when a rule changes", () => {
    const before = sample().world().program();
    const after = sample()
      .policy("a/web", {
        selector: "app == 'web'",
        ingress: [{ action: "Allow", source: { selector: "app == 'other'" } }],
      })
      .world()
      .program();
    assert.notEqual(after.revision, before.revision);
  });

  it("gives all parts of one written rule one id", () => {
    const program = sample().world().program();
    const written = [...program.rules].filter(([, { kind, rule }]) => kind === "knp" && rule === 0).map(([id]) => id);
    const parts = [...program.blocks.values()].flat().filter(({ id }) => written.includes(id));
    assert.equal(written.length, 1);
    assert.equal(parts.length, 4);
  });

  it("gives a rule the same id in another program", () => {
    const id = (builder: WorldBuilder) =>
      [...builder.world().program().rules].find(([, { name }]) => name === "security.quarantine")?.[0];
    assert.equal(id(sample().global("other", { ingress: [{ action: "Allow" }] })), id(sample()));
  });

  it("knows the origin of every rule in every block", () => {
    const program = sample().world().program();
    const used = [...[...program.blocks.values()].flat(), ...program.applies.map(({ otherwise }) => otherwise)];
    assert.deepEqual(
      used.filter(({ id }) => !program.rules.has(id)),
      [],
    );
  });
});

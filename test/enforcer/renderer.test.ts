import assert from "node:assert/strict";
import fc from "fast-check";
import { type Address, parseAddress, parseCidr } from "../../core/address.ts";
import type { Links } from "../../enforcer/interfaces.ts";
import { defaultSettings, render } from "../../enforcer/render.ts";
import { Renderer } from "../../enforcer/renderer.ts";
import { type Command, nameOf, type Ruleset } from "../../enforcer/ruleset.ts";
import { World } from "../../policy/world.ts";
import { arbitraryChange } from "../support/arbitrary-changes.ts";
import { NftMemory } from "../support/nft-memory.ts";
import { instruction, type ProgramBuilder, program } from "../support/program.ts";
import { rulesetOf, viewOf } from "../support/render-all.ts";

const runs = Number(process.env["PROPERTY_RUNS"] ?? 50);
const batches = fc.array(fc.array(arbitraryChange, { maxLength: 8, size: "max" }), { maxLength: 12, size: "max" });
const podToHost = fc.constantFrom("policy", "allow", "deny");

/** Everybody's address is behind an interface, some of which come later than others. */
function linksAt(turn: number): Links {
  const last = [1, 2, 3].slice(0, 1 + (turn % 3));
  const behind = last.flatMap((n): [Address, string][] => [
    [parseAddress(`10.0.0.${n}`), `slp${n}`],
    [parseAddress(`fd00::${n}`), `slp${n}`],
  ]);
  return { behind: new Map(behind), own: new Map([[parseAddress("192.0.2.1"), "eth0"]]) };
}

const podCidrs = [parseCidr("10.0.0.0/24"), parseCidr("fd00::/64")];

function plain({ sets, maps, counters, chains }: Ruleset): unknown {
  const texts = (of: ReadonlyMap<string, unknown>) => [...of].map(([name, object]) => [name, object]).sort();
  return { sets: texts(sets), maps: texts(maps), counters: [...counters].sort(), chains: texts(chains) };
}

/** Where the packets of which address go, by whatever way; nobody may be found twice. */
function waysIn({ maps, sets, chains }: Ruleset): unknown {
  const ways = new Map<string, unknown>();
  const note = (direction: string, address: string, verdict: unknown) => {
    assert.ok(!ways.has(`${direction} ${address}`), `${address} is in two places`);
    ways.set(`${direction} ${address}`, verdict);
  };
  for (const direction of ["egress", "ingress"]) {
    for (const family of [4, 6])
      for (const [address, verdict] of maps.get(nameOf(`${direction}${family}`))?.entries ?? [])
        note(direction, address, verdict);
    for (const { when, statements } of chains.get(nameOf(`newcomers_${direction}`))?.rules ?? []) {
      const [condition, statement] = [when[0], statements[0]];
      assert.ok(condition?.if === "member" && statement?.do === "jump");
      for (const address of sets.get(condition.set)?.elements ?? [])
        note(direction, address, { verdict: "jump", to: statement.to });
    }
  }
  return [...ways].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe("a renderer", () => {
  it("after any changes says what it says from scratch, and its changes lead there", async () => {
    const property = fc.asyncProperty(batches, podToHost, async (split, podToHost) => {
      const [world, renderer, nft] = [new World({ podToHost }), new Renderer("n1", defaultSettings), new NftMemory()];
      await nft.apply([{ verb: "add-table" }]);
      for (const [turn, batch] of split.entries()) {
        world.apply(batch);
        const [program, placement, links] = [world.program(), world.placement(), linksAt(turn)];
        const staged = world.pending().program === program ? undefined : world.pending();
        const { changes, problems } = renderer.follow(program, placement, { links, podCidrs }, staged);
        await nft.apply(changes);
        const view = { node: "n1", interfaces: links.behind, own: links.own, podCidrs, settings: defaultSettings };
        const scratch = render(program, placement, view, staged);
        assert.deepEqual(plain(renderer.ruleset), plain(scratch.ruleset));
        assert.deepEqual(plain(nft.ruleset as Ruleset), plain(scratch.ruleset), "what the changes lead to");
        assert.deepEqual(problems, scratch.problems);
        assert.deepEqual(
          renderer.follow(program, placement, { links, podCidrs }, staged).changes,
          [],
          "nothing more to do",
        );
      }
    });
    await fc.assert(property, { numRuns: runs });
  }).timeout(120_000);

  it("in a hurry leads everybody where it would from scratch, and says what it says from scratch once it is not", async () => {
    const calm = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
    const property = fc.asyncProperty(batches, calm, podToHost, async (split, calm, podToHost) => {
      const [world, renderer, nft] = [new World({ podToHost }), new Renderer("n1", defaultSettings), new NftMemory()];
      await nft.apply([{ verb: "add-table" }]);
      for (const [turn, batch] of split.entries()) {
        world.apply(batch);
        const [program, placement, links] = [world.program(), world.placement(), linksAt(turn)];
        const staged = world.pending().program === program ? undefined : world.pending();
        const view = { node: "n1", interfaces: links.behind, own: links.own, podCidrs, settings: defaultSettings };
        const scratch = render(program, placement, view, staged);
        const follow = async (inHurry: boolean) => {
          await nft.apply(renderer.follow(program, placement, { links, podCidrs }, staged, { inHurry }).changes);
          assert.deepEqual(plain(nft.ruleset as Ruleset), plain(renderer.ruleset), "what the changes lead to");
          assert.deepEqual(waysIn(renderer.ruleset), waysIn(scratch.ruleset));
        };
        await follow(true);
        if (renderer.isSettled) assert.deepEqual(plain(renderer.ruleset), plain(scratch.ruleset));
        if (calm[turn] === true) await follow(false);
        if (calm[turn] === true) assert.deepEqual(plain(renderer.ruleset), plain(scratch.ruleset));
      }
    });
    await fc.assert(property, { numRuns: runs });
  }).timeout(120_000);

  describe("where a pod comes", () => {
    const world = (...pods: readonly (readonly [name: string, address: string | undefined, of: string])[]) => {
      const builder = program()
        .block("b", instruction(1, "allow"))
        .class("web", { ingress: [[["b"], instruction(2, "deny")]] })
        .class("api", { ingress: [[["b"], instruction(3, "deny")]], egress: [[["b"], instruction(4, "deny")]] })
        .pod("first", "a", ["10.1.0.1"], "web");
      for (const [name, address, of] of pods) builder.pod(name, "a", address === undefined ? [] : [address], of);
      return builder;
    };
    const expected = world(["second", undefined, "api"]);
    const come = world(["second", "10.1.0.2", "api"]);
    const another = world(["second", "10.1.0.2", "web"]);
    /** The kernel need not look at any rule. */
    const isCheap = (command: Command) =>
      ["add-elements", "delete-elements", "delete-entries"].includes(command.verb) ||
      (command.verb === "add-entries" && [...command.entries.values()].every(({ verdict }) => verdict === "accept"));
    let renderer: Renderer;
    const follow = (of: ProgramBuilder, inHurry = true) => {
      const facts = { links: { behind: viewOf(of.placement(), "a").interfaces, own: new Map() }, podCidrs: [] };
      return renderer.follow(of.program(), of.placement(), facts, undefined, { inHurry }).changes;
    };
    beforeEach(() => {
      renderer = new Renderer("a", defaultSettings);
      follow(world());
    });

    it("the kernel need not look at its rules if it was expected", () => {
      follow(expected);
      assert.ok(follow(come).every(isCheap));
      assert.equal(renderer.isSettled, false);
      assert.deepEqual(waysIn(renderer.ruleset), waysIn(rulesetOf(come.program(), come.placement(), "a")));
    });

    it("nor when it goes again", () => {
      follow(expected);
      follow(come);
      assert.ok(follow(world()).every(isCheap));
    });

    it("it is in the maps at once if nobody expected it", () => {
      follow(come);
      assert.equal(renderer.isSettled, true);
    });

    it("it is in the maps at once if it is of another class than was expected", () => {
      follow(expected);
      follow(another);
      assert.equal(renderer.isSettled, true);
    });

    it("it gets into the maps, and its class loses the room, when there is no hurry", () => {
      follow(expected);
      follow(come);
      follow(come, false);
      assert.equal(renderer.isSettled, true);
      assert.deepEqual(plain(renderer.ruleset), plain(rulesetOf(come.program(), come.placement(), "a")));
    });

    it("all get into the maps with the first for whom the kernel has to look at everything", () => {
      follow(expected);
      follow(come);
      follow(world(["second", "10.1.0.2", "api"], ["third", "10.1.0.3", "web"]));
      assert.equal(renderer.isSettled, true);
    });

    it("it gets into the room of its class once that is ready", () => {
      follow(world(["second", undefined, "web"]));
      assert.ok(follow(another).every(isCheap));
    });
  });
});

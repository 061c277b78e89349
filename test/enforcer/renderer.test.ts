import assert from "node:assert/strict";
import fc from "fast-check";
import { type Address, parseAddress, parseCidr } from "../../core/address.ts";
import type { Links } from "../../enforcer/interfaces.ts";
import { defaultSettings, render } from "../../enforcer/render.ts";
import { Renderer } from "../../enforcer/renderer.ts";
import type { Ruleset } from "../../enforcer/ruleset.ts";
import { World } from "../../policy/world.ts";
import { arbitraryChange } from "../support/arbitrary-changes.ts";
import { NftMemory } from "../support/nft-memory.ts";

const runs = Number(process.env["PROPERTY_RUNS"] ?? 50);
const batches = fc.array(fc.array(arbitraryChange, { maxLength: 8, size: "max" }), { maxLength: 12, size: "max" });

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

describe("a renderer", () => {
  it("after any changes says what it says from scratch, and its changes lead there", async () => {
    const property = fc.asyncProperty(batches, async (split) => {
      const [world, renderer, nft] = [new World(), new Renderer("n1", defaultSettings), new NftMemory()];
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
});

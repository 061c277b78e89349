import assert from "node:assert/strict";
import fc from "fast-check";
import { adopted } from "../../enforcer/adopt.ts";
import { diff } from "../../enforcer/diff.ts";
import { nameOf, type Ruleset } from "../../enforcer/ruleset.ts";
import { arbitraryProgram } from "../support/arbitrary-program.ts";
import { NftMemory } from "../support/nft-memory.ts";
import type { ProgramBuilder } from "../support/program.ts";
import { rulesetOf } from "../support/render-all.ts";

const ruleset = (builder: ProgramBuilder): Ruleset => rulesetOf(builder.program(), builder.placement(), "a");

async function kernelWith(found: Ruleset): Promise<NftMemory> {
  const nft = new NftMemory();
  await nft.apply(diff(undefined, found));
  return nft;
}

describe("a ruleset that an earlier process left", () => {
  it("becomes what is wanted, whatever was kept of it and whatever happened after that", async () => {
    const property = fc.asyncProperty(arbitraryProgram, arbitraryProgram, arbitraryProgram, async (a, b, c) => {
      const [kept, found, desired] = [a, b, c].map(ruleset) as [Ruleset, Ruleset, Ruleset];
      const nft = await kernelWith(found);
      const left = adopted(kept, (await nft.list()) ?? assert.fail(), desired);
      await nft.apply(diff(left, desired));
      assert.deepEqual(nft.ruleset, desired);
    });
    await fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 200) });
  }).timeout(60_000);

  it("keeps the rules of all chains that are wanted as they are", async () => {
    const property = fc.asyncProperty(arbitraryProgram, arbitraryProgram, async (a, b) => {
      const [kept, desired] = [ruleset(a), ruleset(b)];
      const nft = await kernelWith(kept);
      const left = adopted(kept, (await nft.list()) ?? assert.fail(), desired);
      const filled = diff(left, desired).flatMap((command) => (command.verb === "add-rules" ? [command.chain] : []));
      assert.deepEqual(
        filled.filter((name) => kept.chains.has(name)),
        [],
      );
    });
    await fc.assert(property);
  });

  const world = fc.sample(arbitraryProgram, { numRuns: 1, seed: 7 })[0] as ProgramBuilder;
  for (const { title, change } of [
    {
      title: "a rule was added",
      change: {
        verb: "add-rules",
        chain: nameOf("egress_forward"),
        rules: [{ when: [], statements: [{ do: "accept" }] }],
      },
    },
    { title: "a chain was emptied", change: { verb: "flush-chain", chain: nameOf("ingress_forward") } },
    {
      title: "a set was added",
      change: { verb: "add-set", set: { name: nameOf("foreign"), type: ["ipv4_addr"], flag: null } },
    },
  ] as const)
    it(`is put right where ${title} meanwhile`, async () => {
      const desired = ruleset(world);
      const nft = await kernelWith(desired);
      await nft.apply([change]);
      const left = adopted(desired, (await nft.list()) ?? assert.fail(), desired);
      assert.notEqual(left, undefined);
      await nft.apply(diff(left, desired));
      assert.deepEqual(nft.ruleset, desired);
    });

  it("is replaced if what was kept knows nothing of its base chains", async () => {
    const desired = ruleset(world);
    const nft = await kernelWith(desired);
    const kept: Ruleset = { ...desired, chains: new Map() };
    assert.equal(adopted(kept, (await nft.list()) ?? assert.fail(), desired), undefined);
  });
});

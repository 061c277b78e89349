import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { diff } from "../../enforcer/diff.ts";
import { listingOf } from "../../enforcer/listing.ts";
import { compareListings } from "../../enforcer/listing-diff.ts";
import { type NftAccess, openNft } from "../../enforcer/nft-open.ts";
import { nftProgram } from "../../enforcer/nft-program.ts";
import { render } from "../../enforcer/render.ts";
import type { Ruleset } from "../../enforcer/ruleset.ts";
import { damageOf } from "../../enforcer/wholeness.ts";
import { arbitraryProgram } from "../support/arbitrary-program.ts";
import { goldenPath } from "../support/golden.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { viewOf } from "../support/render-all.ts";

const arbitraryRuleset = arbitraryProgram.map((builder): Ruleset => {
  const placement = builder.placement();
  return render(builder.program(), placement, viewOf(placement, "a")).ruleset;
});

describe("rulesets in this machine's kernel", function () {
  this.timeout(60_000);
  needsKernel("nft");
  let [one, another] = ["", ""];
  let nft: NftAccess;
  before(async () => {
    one = makeNamespace("ruleset");
    another = makeNamespace("ruleset");
    nft = await openNft();
  });
  after(async () => {
    await nft?.close();
    for (const namespace of [one, another]) if (namespace !== "") deleteNamespace(namespace);
  });

  const contentOf = async (namespace: string) =>
    listingOf((await nft.print(namespacePath(namespace), "json")) ?? "there is no table");

  for (const name of readdirSync(goldenPath("enforcer")).filter((name) => name.endsWith(".nft")))
    it(`loads the golden ${name}`, () => {
      runIn(one, "nft", "-c", "-f", goldenPath(`enforcer/${name}`));
    });

  it("become the same by differences as by a full load, whatever they were before", async () => {
    const pairs = fc.array(arbitraryRuleset, { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(pairs, async (rulesets) => {
        let before: Ruleset | undefined;
        for (const next of rulesets) {
          await nft.in(namespacePath(one)).apply(diff(before, next));
          before = next;
        }
        await nft.in(namespacePath(another)).apply(diff(undefined, before as Ruleset));
        assert.deepEqual(compareListings(await contentOf(one), await contentOf(another)), []);
      }),
      { numRuns: Number(process.env["FUZZ_RUNS"] ?? 15) },
    );
  });

  it("are found whole after they were written", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRuleset, async (ruleset) => {
        for (const access of [nft.in(namespacePath(one)), nftProgram(namespacePath(one))]) {
          await access.apply(diff(undefined, ruleset));
          assert.equal(damageOf(ruleset, await access.list()), undefined);
        }
      }),
      { numRuns: Number(process.env["FUZZ_RUNS"] ?? 10) },
    );
  });

  it("are read by the nft program as by the library", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRuleset, async (ruleset) => {
        await nft.in(namespacePath(one)).apply(diff(undefined, ruleset));
        await nftProgram(namespacePath(another)).apply(diff(undefined, ruleset));
        assert.deepEqual(compareListings(await contentOf(one), await contentOf(another)), []);
      }),
      { numRuns: 3 },
    );
  });
});

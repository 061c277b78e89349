import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { caseText, readCase } from "../support/agreement/saved-case.ts";
import { replay, searchWorld } from "../support/agreement/search.ts";
import { type SourceName, sourceNames } from "../support/agreement/source.ts";
import { Dataplane } from "../support/dataplane/dataplane.ts";
import { needsDevice, needsKernel } from "../support/needs-kernel.ts";

// The property that holds the product together (docs/design.md). `npm run fuzz -- agreement` goes on from here for as long as one likes.

const worlds = Number(process.env["FUZZ_RUNS"] ?? 100);
const firstSeed = 20_261_130;
const fixtures = new URL("../fixtures/agreement/", import.meta.url);

describe("for random worlds and packets, evaluator, ruleset in memory and real kernel say the same", function () {
  this.timeout(180_000);
  needsKernel("nft");
  needsDevice("/dev/net/tun");
  let dataplane: Dataplane | undefined;

  before(async () => {
    dataplane = await Dataplane.open();
  });

  after(() => dataplane?.close());

  const titles: Readonly<Record<SourceName, string>> = {
    objects: "in worlds of Kubernetes objects",
    models: "in worlds of policies of all kinds, with services and what manifests cannot say",
    programs: "for programs that no policy would give",
  };
  for (const file of readdirSync(fixtures).filter((name) => name.endsWith(".json")))
    it(`as once not in ${file}`, async () => {
      assert.ok(dataplane);
      const { agree, text } = await replay(dataplane, readCase(new URL(file, fixtures).pathname));
      assert.ok(agree, text);
    });

  for (const source of sourceNames)
    it(titles[source], async () => {
      assert.ok(dataplane);
      for (let seed = firstSeed; seed < firstSeed + worlds; seed++) {
        const { disagreement } = await searchWorld(dataplane, source, seed);
        if (disagreement === null) continue;
        const { text } = await replay(dataplane, disagreement);
        assert.fail(
          `${source} ${seed}\n${text}\nfor npm run fuzz -- agreement --replay FILE:\n${caseText(disagreement)}`,
        );
      }
    });
});

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { readCases } from "../conformance/case.ts";
import { checkOnDataplane } from "../conformance/check-dataplane.ts";
import { Dataplane } from "../support/dataplane/dataplane.ts";
import { needsDevice, needsKernel } from "../support/needs-kernel.ts";

const folder = new URL("../fixtures/conformance/", import.meta.url).pathname;

describe("other projects' expectations in the real kernel", function () {
  this.timeout(120_000);
  needsKernel("nft");
  needsDevice("/dev/net/tun");
  let dataplane: Dataplane;

  before(async () => {
    dataplane = await Dataplane.open();
  });

  after(() => dataplane?.close());

  // Selectors send no packets.
  const files = readdirSync(folder).filter((name) => name.endsWith(".jsonl") && name !== "calico-selectors.jsonl");
  for (const file of files)
    it(`${file} passes whole, and every probe has an answer`, async () => {
      for (const one of readCases(folder + file)) {
        const { faults, untold, skipped } = await checkOnDataplane(dataplane, one);
        assert.deepEqual({ faults, untold, skipped }, { faults: [], untold: [], skipped: null }, one.value.id);
      }
    });
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAddress } from "../../../core/address.ts";
import { caseText, readCase, type SavedCase } from "./saved-case.ts";
import { sources } from "./source.ts";

describe("a saved case of disagreement", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-case-"));
  });

  after(() => rmSync(folder, { recursive: true }));

  function readBack(text: string): SavedCase {
    const file = join(folder, "case.json");
    writeFileSync(file, text);
    return readCase(file);
  }

  const ends = { source: parseAddress("10.1.0.1"), destination: parseAddress("8.8.8.8") };
  const packet = { ...ends, protocol: 1, sourcePort: 0, destinationPort: 0, icmp: { type: 8, code: 0 } };
  const { contest } = sources.objects(1);
  const worlds: readonly SavedCase["world"][] = [
    { source: "programs", seed: 7 },
    ...(contest === null ? [] : [contest]),
  ];
  for (const world of worlds)
    it(`${"seed" in world ? "by seed" : "in full"} is read back as it was`, () => {
      assert.deepEqual(readBack(caseText({ world, packet })), { world, packet });
    });

  it("is refused where it is none, with the place of the fault", () => {
    const text = caseText({ world: { source: "programs", seed: 7 }, packet }).replace('"type": 8', '"type": "8"');
    assert.throws(() => readBack(text), /case\.json is no case: .*packet\.icmp\.type/s);
  });
});

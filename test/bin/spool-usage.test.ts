import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spoolUsage } from "../../bin/spool-usage.ts";

describe("bin/spool-usage", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-spool-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("counts segments and their bytes, and nothing else there", () => {
    writeFileSync(join(folder, "0000000001.spool"), "12345");
    writeFileSync(join(folder, "0000000002.spool"), "123");
    writeFileSync(join(folder, "acked"), "1");
    assert.deepEqual(spoolUsage(folder), { segments: 2, bytes: 8 });
  });

  it("says nothing of a folder that is not there", () => assert.equal(spoolUsage(join(folder, "none")), undefined));
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sluiceVersion } from "../../../bin/version.ts";

const program = join(import.meta.dirname, "..", "..", "..", "bin", "sluice.ts");

describe("kubectl sluice", function () {
  this.timeout(20_000);
  const folder = mkdtempSync(join(tmpdir(), "sluice-kubectl-"));
  after(() => rmSync(folder, { recursive: true }));

  it("is this program by the name under which kubectl looks for it, from anywhere", () => {
    const found = join(folder, "kubectl-sluice");
    symlinkSync(program, found);
    const options = { cwd: "/", encoding: "utf8" as const, env: { PATH: process.env["PATH"] } };
    // As kubectl does it: the rest of its words as they are.
    assert.equal(execFileSync(found, ["--version"], options), `sluice ${sluiceVersion()}\n`);
  });
});

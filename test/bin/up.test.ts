import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** Runs `sluice` to its end. */
function sluice(...args: readonly string[]): Promise<{ readonly code: number; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path("bin/sluice.ts"), ...args], { timeout: 20_000 }, (error, _, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stderr });
    });
  });
}

describe("bin/up", function () {
  this.timeout(25_000);

  it("a network namespace that is not there ends it with a sentence and an exit code, not with a stack", async () => {
    const { code, stderr } = await sluice(
      ...["up", "--objects.folder", path("lab/demo"), "--seat", "node-1=sluice-test-nowhere"],
      ...["--enforcer.mode", "observe", "--metrics.listen", "off"],
    );
    assert.ok(code > 0, `exit code ${code}: ${stderr}`);
    assert.match(stderr, /^sluice: .*sluice-test-nowhere/m);
    assert.doesNotMatch(stderr, /^ {4}at /m);
  });

  it("an address to listen on that is none is refused, with the setting's name", async () => {
    const { code, stderr } = await sluice("up", "--metrics.listen", "9464");
    assert.equal(code, 2);
    assert.match(stderr, /--metrics\.listen: must be "address:port" or "off"/);
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogLines, linesOf } from "../../../collectors/audit/log-lines.ts";
import type { LogPosition } from "../../../collectors/audit/log-position.ts";

describe("lines of an audit log", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-lines-"));
  const path = join(folder, "audit.log");
  after(() => rmSync(folder, { recursive: true }));

  async function read(from: LogPosition): Promise<readonly LogLines[]> {
    const found: LogLines[] = [];
    const onSkipped = () => assert.fail("nothing is skipped: the file is read under its new name");
    for await (const lines of linesOf(path, from, onSkipped)) found.push(lines);
    return found;
  }

  it("are of the file that was looked for, not of one that has taken its name since", async () => {
    writeFileSync(path, "first\n");
    const from = { inode: statSync(path).ino, offset: 6 };
    renameSync(path, join(folder, "audit-2026-12-01T10-00-00.000.log"));
    writeFileSync(path, "second\nthird\n");
    assert.deepEqual(await read(from), []);
    const renewed = { inode: statSync(path).ino, offset: 7 };
    assert.deepEqual(await read(renewed), [{ lines: ["third"], position: { ...renewed, offset: 13 } }]);
  });
});

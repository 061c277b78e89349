import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Journal } from "../../../collectors/audit/journal.ts";
import { deed } from "../../controls/deeds.ts";
import { needsKernel } from "../../support/needs-kernel.ts";
import { SmallDisk } from "../../support/small-disk.ts";

const told = (key: string, name = "web") => [{ key, deeds: [deed({ target: { name } })] }];

async function keysIn(folder: string): Promise<readonly string[]> {
  const journal = new Journal(folder);
  const kept = await journal.open();
  await journal.close();
  return kept.map(({ key }) => key);
}

describe("a journal of what was told", () => {
  let folder: string;
  let journal: Journal;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-journal-"));
    journal = new Journal(folder);
    await journal.open();
  });

  afterEach(async () => {
    await journal.close();
    rmSync(folder, { recursive: true });
  });

  it("that cannot be put aside grows no further, and goes on when it can", async () => {
    const [file, older] = [join(folder, "deeds.jsonl"), join(folder, "deeds.1.jsonl")];
    await journal.append(told("a", "x".repeat(17_000_000)));
    mkdirSync(older); // a file takes no folder's place
    const { size } = statSync(file);
    for (let time = 0; time < 2; time++)
      await assert.rejects(journal.append(told("b")), { code: "STORE_FAILED", message: /cannot be put aside/ });
    assert.equal(statSync(file).size, size);
    rmdirSync(older);
    await journal.append(told("b"));
    assert.match(readFileSync(file, "utf8"), /^\n?\{"key":"b"/);
    truncateSync(older);
    assert.deepEqual(await keysIn(folder), ["b"]);
  });
});

describe("a journal on a disk that was full", () => {
  needsKernel();
  const disk = new SmallDisk(1);
  before(() => disk.mount());
  after(() => disk.unmount());

  it("has what came afterwards whole, behind a line that is not", async () => {
    const folder = join(disk.folder, "audit");
    const journal = new Journal(folder);
    await journal.open();
    await journal.append(told("a"));
    disk.fill();
    await assert.rejects(journal.append(told("lost", "x".repeat(10_000))), { code: "STORE_FAILED" });
    assert.match(readFileSync(join(folder, "deeds.jsonl"), "utf8"), /"lost".*x$/s);
    disk.free();
    await journal.append(told("b"));
    await journal.close();
    assert.deepEqual(await keysIn(folder), ["a", "b"]);
  });
});

import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SnapshotFolder } from "../../controls/snapshot/snapshot-folder.ts";
import type { Snapshot } from "../../controls/snapshot/snapshot-text.ts";
import { controlChange } from "../support/changes.ts";

const snapshot: Snapshot = {
  cluster: "lab",
  known: new Map([
    ["v1/Namespace/shop", { subject: "labels", text: '{"metadata":{"name":"shop"}}', uid: null, resourceVersion: "7" }],
    ["projectcalico.org/v3/Tier/a", { subject: "tier", text: '{"spec":{"order":1}}', uid: "u", resourceVersion: null }],
  ]),
  records: [controlChange({ notes: ["line\nbreak"] })],
};
const now = 1_700_000_000_000;

describe("controls/snapshot", () => {
  let folder = "";
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), "sluice-snapshot-")), "controls");
  });
  afterEach(() => rm(join(folder, ".."), { recursive: true }));

  /** As another process would find it. */
  const reopened = async () => {
    const again = new SnapshotFolder(folder);
    try {
      return await again.open();
    } finally {
      await again.close();
    }
  };

  it("gives back what was written, and until when somebody watched", async () => {
    const first = new SnapshotFolder(folder);
    assert.equal(await first.open(), undefined);
    await first.write(snapshot, now);
    await first.watched(now + 5_000);
    await first.close();
    assert.deepEqual(await reopened(), { ...snapshot, until: now + 5_000 });
  });

  it("belongs to one log at a time", async () => {
    const first = new SnapshotFolder(folder);
    await first.open();
    await assert.rejects(reopened(), { code: "DATA_IN_USE" });
    await first.close();
    assert.equal(await reopened(), undefined);
  });

  const faults: readonly { title: string; spoil: (path: string) => Promise<void> }[] = [
    { title: "is cut off", spoil: async (path) => writeFile(path, (await readFile(path, "utf8")).slice(0, -40)) },
    { title: "lacks a line", spoil: async (path) => writeFile(path, without(await readFile(path, "utf8"), 1)) },
    {
      title: "is of another format",
      spoil: (path) => writeFile(path, '{"format":"sluice controls 9"}\n{"lines":1}\n'),
    },
    { title: "is no JSON", spoil: (path) => writeFile(path, "x\n") },
    { title: "others may write to", spoil: (path) => chmod(path, 0o666) },
    { title: "does not say until when", spoil: (path) => writeFile(join(path, "..", "watched"), "yesterday\n") },
  ];
  for (const { title, spoil } of faults)
    it(`refuses one that ${title}`, async () => {
      const first = new SnapshotFolder(folder);
      await first.open();
      await first.write(snapshot, now);
      await first.close();
      await spoil(join(folder, "snapshot"));
      await assert.rejects(reopened(), { code: "SNAPSHOT_INVALID" });
    });
});

const without = (text: string, at: number) => text.split("\n").toSpliced(at, 1).join("\n");

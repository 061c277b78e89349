import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ArchiveStore } from "../../../sinks/archive/archive-store.ts";
import { change } from "../../support/changes.ts";
import { seconds } from "../../support/flows.ts";
import { archiveIn, everything, never, withFolder } from "./folder.ts";

/** A sealed and an unsealed file, written by the archive of the commit before change records had `request` and `control`. */
const golden = fileURLToPath(new URL("../../golden/archive/before-controls", import.meta.url));

const [sealed, open] = [change({ id: "sealed" }), change({ id: "open", start: seconds(7_200) })];

describe("files of an earlier version of the archive", () => {
  it("are read, with nothing where they have nothing", () =>
    withFolder(async (folder) => {
      await cp(golden, folder, { recursive: true });
      const reader = new ArchiveStore({ folder, memoryMb: 256 });
      assert.deepEqual(await reader.changes(everything), [sealed, open]);
      await reader.close();
    }));

  it("are read together with those of this one, and sealed", () =>
    withFolder(async (folder) => {
      await cp(golden, folder, { recursive: true });
      const archive = archiveIn(folder);
      await archive.open();
      const request = { groups: ["a"], sourceAddress: null, userAgent: null, impersonatedBy: null };
      const known = { ...request, fieldManager: "b", auditId: null };
      const fresh = change({ id: "t", start: seconds(7_300), request: known });
      await Promise.all([archive.sink("change").write([fresh], never), archive.flush()]);
      const reader = new ArchiveStore({ folder, memoryMb: 256, archive });
      assert.deepEqual(await reader.changes(everything), [sealed, open, fresh]);
      await archive.close();
    }));
});

import assert from "node:assert/strict";
import { advance, emptyFolder, type FileScan, type FolderState } from "../../../core/kube/folder-state.ts";
import type { keyOf } from "../../../core/kube/objects.ts";

const pod = (name: string, value = "1") =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n  labels: {version: "${value}"}\n`;
const badPod = (name: string) => `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n  labels: {version: 1}\n`;
const notYaml = "{ no yaml\n";
const file = (...documents: string[]): FileScan => ({ type: "text", text: documents.join("---\n") });
const same: FileScan = { type: "same" };

/** Files of one look; `blind` names folders that could not be read. */
interface Look {
  readonly files: Readonly<Record<string, FileScan>>;
  readonly blind?: readonly string[];
}

/** What consumers know after all looks, and what the last one told. */
function after(...looks: readonly Look[]) {
  let state: FolderState = emptyFolder;
  let told = { changes: [] as string[], faults: [] as string[], mended: [] as string[] };
  for (const { files, blind = [] } of looks) {
    const next = advance(state, {
      files: new Map(Object.entries(files)),
      blind: new Map(blind.map((folder) => [folder, "is away"])),
    });
    state = next.state;
    told = {
      changes: next.changes.map((change) =>
        change.type === "synced" ? "" : `${change.type} ${nameOf(change.object)}`,
      ),
      faults: next.faults.map(({ file, document, message }) => `${file}#${document} ${message}`),
      mended: next.mended.map(({ file, document }) => `${file}#${document}`),
    };
  }
  return { objects: [...state.objects.values()].map(nameOf).sort(), ...told };
}

const nameOf = (object: Parameters<typeof keyOf>[0]) =>
  `${object.metadata.name}=${object.metadata.labels?.["version"] ?? ""}`;

const label = "must be text; put it in quotes";

describe("core/kube/folder-state", () => {
  for (const { title, looks, ...expected } of [
    {
      title: "tells all objects at first, by key",
      looks: [{ files: { "b.yaml": file(pod("b")), "a/c.yaml": file(pod("c"), pod("a")) } }],
      objects: ["a=1", "b=1", "c=1"],
      changes: ["upsert a=1", "upsert b=1", "upsert c=1"],
    },
    {
      title: "tells only of what differs",
      looks: [{ files: { f: file(pod("a"), pod("b")) } }, { files: { f: file(pod("a"), pod("b", "2")) } }],
      objects: ["a=1", "b=2"],
      changes: ["upsert b=2"],
    },
    {
      title: "tells nothing when a file only looks different",
      looks: [{ files: { f: file(pod("a")) } }, { files: { f: file("# new words\n", pod("a")) } }],
      objects: ["a=1"],
      changes: [],
    },
    {
      title: "keeps what an unchanged file held",
      looks: [{ files: { f: file(pod("a")) } }, { files: { f: same } }],
      objects: ["a=1"],
      changes: [],
    },
    {
      title: "deletes before it adds",
      looks: [{ files: { f: file(pod("b")) } }, { files: { f: file(pod("a")) } }],
      objects: ["a=1"],
      changes: ["delete b=1", "upsert a=1"],
    },
    {
      title: "deletes the objects of a file that is gone",
      looks: [{ files: { f: file(pod("a")), g: file(pod("b")) } }, { files: { g: same } }],
      objects: ["b=1"],
      changes: ["delete a=1"],
    },
    {
      title: "deletes nothing when an object moves to another file",
      looks: [{ files: { f: file(pod("a")) } }, { files: { g: file(pod("a")) } }],
      objects: ["a=1"],
      changes: [],
    },
    {
      title: "keeps the last good state of an object that is refused, and follows the rest of the file",
      looks: [{ files: { f: file(pod("a"), pod("b"), pod("c")) } }, { files: { f: file(badPod("a"), pod("b", "2")) } }],
      objects: ["a=1", "b=2"],
      changes: ["delete c=1", "upsert b=2"],
      faults: [`f#1 ${label}`],
    },
    {
      title: "keeps all that is missing from a file which holds something unreadable",
      looks: [{ files: { f: file(pod("a"), pod("b")) } }, { files: { f: file(pod("a", "2"), notYaml) } }],
      objects: ["a=2", "b=1"],
      changes: ["upsert a=2"],
    },
    {
      title: "keeps everything of a file that is empty, as files are while they are written",
      looks: [{ files: { f: file(pod("a")) } }, { files: { f: { type: "text", text: "" } as FileScan } }],
      objects: ["a=1"],
      changes: [],
      faults: ["f#null is empty; to delete its objects, delete the file"],
    },
    {
      title: "keeps everything of a file that cannot be read",
      looks: [{ files: { f: file(pod("a")) } }, { files: { f: { type: "unreadable", why: "EACCES" } as FileScan } }],
      objects: ["a=1"],
      changes: [],
      faults: ["f#null EACCES"],
    },
    {
      title: "keeps the last good state over several bad ones",
      looks: [
        { files: { f: file(pod("a")) } },
        { files: { f: file(notYaml) } },
        { files: { f: file(badPod("a")) } },
        { files: { f: file(notYaml) } },
      ],
      objects: ["a=1"],
      changes: [],
    },
    {
      title: "deletes a held object when the file becomes good without it",
      looks: [{ files: { f: file(pod("a")) } }, { files: { f: file(badPod("a")) } }, { files: { f: file(pod("b")) } }],
      objects: ["b=1"],
      changes: ["delete a=1", "upsert b=1"],
      mended: ["f#1"],
    },
    {
      title: "deletes a held object with its file",
      looks: [{ files: { f: file(pod("a")) } }, { files: { f: file(notYaml) } }, { files: {} }],
      objects: [],
      changes: ["delete a=1"],
      mended: ["f#1"],
    },
    {
      title: "does not tell of an object that was never good",
      looks: [{ files: { f: file(badPod("a")) } }],
      objects: [],
      changes: [],
      faults: [`f#1 ${label}`],
    },
    {
      title: "takes an object of two files from the first in the order of paths, and tells of the other",
      looks: [{ files: { z: file(pod("a", "2")), b: file(pod("a", "1")) } }],
      objects: ["a=1"],
      changes: ["upsert a=1"],
      faults: ["z#1 v1/Pod/default/a is in b, which counts"],
    },
    {
      title: "takes the object of the other file when the first is gone",
      looks: [{ files: { z: file(pod("a", "2")), b: file(pod("a", "1")) } }, { files: { z: same } }],
      objects: ["a=2"],
      changes: ["upsert a=2"],
      mended: ["z#1"],
    },
    {
      title: "takes a good object of another file before one that is only held",
      looks: [{ files: { b: file(pod("a", "1")) } }, { files: { b: file(badPod("a")), z: file(pod("a", "2")) } }],
      objects: ["a=2"],
      changes: ["upsert a=2"],
      faults: [`b#1 ${label}`],
    },
    {
      title: "reports a fault once",
      looks: [
        { files: { f: file(badPod("a")) } },
        { files: { f: file("# edited\n", badPod("a")) } },
        { files: { f: same } },
      ],
      objects: [],
      changes: [],
      faults: [],
    },
    {
      title: "reports a fault anew when it changes, and does not call the document mended",
      looks: [{ files: { f: file(badPod("a")) } }, { files: { f: file(badPod("A")) } }],
      objects: [],
      changes: [],
      faults: ['f#1 "A" is no name of an object'],
    },
    {
      title: "keeps everything while the folder itself is away",
      looks: [{ files: { f: file(pod("a")) } }, { files: {}, blind: [""] }],
      objects: ["a=1"],
      changes: [],
      faults: ["#null is away; its last objects stay"],
    },
    {
      title: "keeps what is below a folder that cannot be read, and nothing else",
      looks: [
        { files: { "s/f": file(pod("a")), "st/g": file(pod("b")), h: file(pod("c")) } },
        { files: { h: same }, blind: ["s"] },
      ],
      objects: ["a=1", "c=1"],
      changes: ["delete b=1"],
      faults: ["s#null is away; its last objects stay"],
    },
    {
      title: "goes on where it was when the folder is back",
      looks: [
        { files: { f: file(pod("a")), g: file(pod("b")) } },
        { files: {}, blind: [""] },
        { files: { f: file(pod("a", "2")) } },
      ],
      objects: ["a=2"],
      changes: ["delete b=1", "upsert a=2"],
      mended: ["#null"],
    },
  ] satisfies ({ title: string; looks: Look[] } & Partial<ReturnType<typeof after>>)[])
    it(title, () => {
      const actual = after(...looks);
      assert.deepEqual(actual, { ...actual, ...expected });
    });
});

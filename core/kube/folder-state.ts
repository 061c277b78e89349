import { isDeepStrictEqual } from "node:util";
import type { Validate } from "./examine.ts";
import {
  fileFault,
  type Manifest,
  type ManifestFault,
  type PlacedObject,
  readManifest,
  unreadableManifest,
} from "./manifest.ts";
import type { KubeObject } from "./objects.ts";
import type { Change } from "./watch.ts";

/** What a look into the folder found. Paths are relative to it, with `/`. */
export interface Scan {
  readonly files: ReadonlyMap<string, FileScan>;
  /** Folders that could not be read: "" is the folder itself. What was known of files below them stays. */
  readonly blind: ReadonlyMap<string, string>;
}

export type FileScan =
  | { readonly type: "text"; readonly text: string }
  /** As in the scan before. */
  | { readonly type: "same" }
  | { readonly type: "unreadable"; readonly why: string };

/** What is known of the folder. */
export interface FolderState {
  readonly files: ReadonlyMap<string, FileState>;
  /** What consumers were told, by key. */
  readonly objects: ReadonlyMap<string, KubeObject>;
  /** What was reported, by its own text. */
  readonly faults: ReadonlyMap<string, ManifestFault>;
}

interface FileState {
  readonly objects: ReadonlyMap<string, PlacedObject>;
  /** Last good state of objects that the file holds no longer in a form that can be accepted. */
  readonly held: ReadonlyMap<string, KubeObject>;
  readonly faults: readonly ManifestFault[];
}

export const emptyFolder: FolderState = { files: new Map(), objects: new Map(), faults: new Map() };

export interface Advance {
  readonly state: FolderState;
  /** Deletions first, each by key; equal objects are not told again. */
  readonly changes: readonly Change[];
  /** Faults that were not there before. */
  readonly faults: readonly ManifestFault[];
  /** Faults of documents that have none now. */
  readonly mended: readonly ManifestFault[];
}

/** The state after a scan, and what is new in it. */
export function advance(state: FolderState, scan: Scan, validate?: Validate): Advance {
  const files = filesAfter(state.files, scan, validate);
  const { objects, duplicates } = merge(files);
  const blind = [...scan.blind].map(([folder, why]) => fileFault(folder, `${why}; its last objects stay`));
  const all = [...blind, ...[...files.values()].flatMap((file) => file.faults), ...duplicates];
  const faults = new Map(all.map((fault) => [identityOf(fault), fault]));
  const documents = new Set(all.map(documentOf));
  return {
    state: { files, objects, faults },
    changes: difference(state.objects, objects),
    faults: [...faults].filter(([identity]) => !state.faults.has(identity)).map(([, fault]) => fault),
    mended: [...state.faults.values()].filter((fault) => !documents.has(documentOf(fault))),
  };
}

function filesAfter(before: FolderState["files"], scan: Scan, validate?: Validate): FolderState["files"] {
  const files = new Map<string, FileState>();
  for (const [path, file] of before) if (isBelow(path, scan.blind.keys())) files.set(path, file);
  for (const [path, found] of scan.files) {
    const former = before.get(path);
    if (found.type !== "same") files.set(path, fileAfter(former, manifestOf(path, found, validate)));
    else if (former !== undefined) files.set(path, former);
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isBelow(path: string, folders: Iterable<string>): boolean {
  for (const folder of folders) if (folder === "" || path.startsWith(`${folder}/`)) return true;
  return false;
}

function manifestOf(path: string, found: Exclude<FileScan, { type: "same" }>, validate?: Validate): Manifest {
  return found.type === "text"
    ? readManifest(path, found.text, validate)
    : unreadableManifest(fileFault(path, found.why));
}

/** Former objects stay if they are refused now, or might be among what could not be read. */
function fileAfter(former: FileState | undefined, manifest: Manifest): FileState {
  const { objects, refused, unreadable, faults } = manifest;
  const known = new Map([
    ...(former?.held ?? []),
    ...[...(former?.objects ?? [])].map(([k, v]) => [k, v.object] as const),
  ]);
  const held = [...known].filter(([key]) => !objects.has(key) && (unreadable || refused.has(key)));
  return { objects, held: new Map(held), faults };
}

/** All objects by key. Of one that several files hold, the first in the order of paths counts; held ones come last. */
function merge(files: ReadonlyMap<string, FileState>): {
  readonly objects: ReadonlyMap<string, KubeObject>;
  readonly duplicates: readonly ManifestFault[];
} {
  const objects = new Map<string, KubeObject>();
  const homes = new Map<string, string>();
  const duplicates: ManifestFault[] = [];
  for (const [file, { objects: own }] of files) {
    for (const [key, { object, document, line }] of own) {
      const home = homes.get(key);
      if (home !== undefined)
        duplicates.push({ file, document, line, field: null, message: `${key} is in ${home}, which counts` });
      else homes.set(key, file);
      if (home === undefined) objects.set(key, object);
    }
  }
  for (const { held } of files.values()) {
    for (const [key, object] of held) if (!objects.has(key)) objects.set(key, object);
  }
  return { objects, duplicates };
}

function difference(
  before: ReadonlyMap<string, KubeObject>,
  after: ReadonlyMap<string, KubeObject>,
): readonly Change[] {
  const gone = [...before].filter(([key]) => !after.has(key));
  const fresh = [...after].filter(([key, object]) => !isDeepStrictEqual(before.get(key), object));
  const told = (type: "delete" | "upsert", entries: readonly (readonly [string, KubeObject])[]) =>
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]): Change => ({ type, object }));
  return [...told("delete", gone), ...told("upsert", fresh)];
}

/** Lines are left out: they move whenever something above is edited. */
const identityOf = ({ file, document, field, message }: ManifestFault) =>
  JSON.stringify([file, document, field, message]);
const documentOf = ({ file, document }: ManifestFault) => JSON.stringify([file, document]);

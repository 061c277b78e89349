import { examine, type Validate } from "./examine.ts";
import { type KubeObject, keyOf } from "./objects.ts";
import { readYaml } from "./yaml.ts";

/** Something in a manifest, or in an object of the API server, that is not accepted. */
export interface ManifestFault {
  /** Path below the folder; "" for the folder itself. Of an object of the API server its key. */
  readonly file: string;
  /** Number of the document in the file, from 1; null if the file as a whole is meant. */
  readonly document: number | null;
  /** Line in the file on which the document begins; null if the file as a whole is meant. */
  readonly line: number | null;
  /** Path of the field within the document, e.g. `metadata.name` or `items[3].metadata`; null if none is to blame. */
  readonly field: string | null;
  readonly message: string;
}

/** An object and where it is written. */
export interface PlacedObject {
  readonly object: KubeObject;
  readonly document: number;
  readonly line: number;
}

/** What a file says. */
export interface Manifest {
  /** By key, in the order of the file. */
  readonly objects: ReadonlyMap<string, PlacedObject>;
  readonly faults: readonly ManifestFault[];
  /** Keys of objects that are in the file but not accepted. */
  readonly refused: ReadonlySet<string>;
  /** Parts of the file could not be attributed to any object: what is missing from it may be among them. */
  readonly unreadable: boolean;
}

/** A document or an item of a list, before it is known to be an object. */
interface Candidate {
  readonly value: unknown;
  /** Within the document: `items[3]` or "". */
  readonly path: string;
}

/** Reads the objects of one file: several documents, lists within them. Never throws. */
export function readManifest(file: string, text: string, validate?: Validate): Manifest {
  // A file is empty for a moment whenever a program writes it anew.
  if (text.trim() === "")
    return unreadableManifest(fileFault(file, "is empty; to delete its objects, delete the file"));
  const objects = new Map<string, PlacedObject>();
  const refused = new Set<string>();
  const faults: ManifestFault[] = [];
  let unreadable = false;
  for (const { number, line, value, error } of readYaml(text)) {
    const report = (path: string, field: string | null, message: string) =>
      faults.push({ file, document: number, line, field: joined(path, field), message });
    if (error !== null) {
      report("", null, error);
      unreadable = true;
    }
    for (const candidate of flatten(value, "")) {
      const { object, problems } = examine(candidate.value, validate);
      for (const { field, message } of problems) report(candidate.path, field, message);
      if (object === undefined) unreadable = true;
      else if (problems.length > 0) refused.add(keyOf(object));
      else if (objects.has(keyOf(object))) report(candidate.path, null, `${keyOf(object)} stands above already`);
      else objects.set(keyOf(object), { object, document: number, line });
    }
  }
  return { objects, faults, refused, unreadable };
}

/** Of a file that could not be read at all. */
export function unreadableManifest(fault: ManifestFault): Manifest {
  return { objects: new Map(), faults: [fault], refused: new Set(), unreadable: true };
}

/** A fault of a file (or folder) as a whole. */
export function fileFault(file: string, message: string): ManifestFault {
  return { file, document: null, line: null, field: null, message };
}

/** A document or, of `kind: List` and its like, its items. */
function flatten(value: unknown, path: string): readonly Candidate[] {
  if (value === undefined) return [];
  if (!isList(value)) return [{ value, path }];
  const { apiVersion, kind, items } = value;
  // Items of typed lists (PodList) leave out what the list says of them.
  const implied = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) };
  return items.flatMap((item, index) =>
    flatten(isMapping(item) ? { ...implied, ...item } : item, joined(path, `items[${index}]`) as string),
  );
}

function isList(value: unknown): value is { apiVersion: unknown; kind: string; items: readonly unknown[] } {
  return (
    isMapping(value) &&
    typeof value["kind"] === "string" &&
    value["kind"].endsWith("List") &&
    Array.isArray(value["items"])
  );
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function joined(path: string, field: string | null): string | null {
  const parts = [path, field ?? ""].filter((part) => part !== "");
  return parts.length === 0 ? null : parts.join(".");
}

import type { ManifestFault } from "../core/kube/manifest.ts";
import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import { problemsOf } from "../policy/kinds/read.ts";
import type { Problem } from "../policy/model.ts";
import { warningsOf } from "../policy/warnings.ts";
import { readManifests } from "./folder.ts";

/** Something about a manifest that its author should know. Keys as `-o json` prints them. */
export interface Finding {
  /** `error`: the object is not accepted. */
  readonly severity: "error" | "warning";
  readonly file: string | null;
  /** Where the document begins. */
  readonly line: number | null;
  /** `projectcalico.org/v3/NetworkPolicy/shop/app.web` */
  readonly object: string | null;
  readonly field: string | null;
  /** What stands there, as JSON; null where nothing does. */
  readonly value: string | null;
  readonly reason: string;
}

export interface Findings {
  /** Everything that is wrong, and then what is accepted and yet a trap. */
  readonly findings: readonly Finding[];
  /** How many objects are accepted. */
  readonly objects: number;
}

/** What is to be said of a folder; `taxonomy` names another, whose LabelTaxonomies count as well. */
export async function findingsIn(path: string, taxonomy?: string): Promise<Findings> {
  const refused: Refused[] = [];
  const manifests = await readManifests(path, (object) => {
    // A fault holds texts only: the number of the problem stands for its message, so that it is found again.
    return problemsOf(object).map((problem) => ({
      field: problem.field,
      message: String(refused.push({ object, problem }) - 1),
    }));
  });
  const errors = manifests.faults.map((fault) => faultFinding(fault, refused));
  const others = taxonomy === undefined ? [] : (await readManifests(taxonomy)).objects;
  const taxonomies = others.filter(({ kind }) => kind === "LabelTaxonomy");
  const warnings = warningsOf([...manifests.objects, ...taxonomies]);
  const traps = warnings.map(({ object, field, message }) => ({
    ...finding("warning", object, field, message),
    ...manifests.places.get(object),
  }));
  return { findings: [...errors, ...traps], objects: manifests.objects.length };
}

interface Refused {
  readonly object: KubeObject;
  readonly problem: Problem;
}

/** A fault says where it is written, the problem of which it came what it is about. What is no object at all has none. */
function faultFinding(fault: ManifestFault, refused: readonly Refused[]): Finding {
  const { file, line, field, message } = fault;
  const found = /^\d+$/.test(message) ? refused[Number(message)] : undefined;
  if (found === undefined) return { severity: "error", file, line, object: null, field, value: null, reason: message };
  return { ...finding("error", found.object, found.problem.field, found.problem.message), file, line };
}

function finding(severity: Finding["severity"], object: KubeObject, field: string | null, reason: string): Finding {
  const value = field === null ? undefined : valueAt(object, field);
  return { severity, file: null, line: null, object: keyOf(object), field, value: textOf(value), reason };
}

/** A long value says no more than its beginning. */
const maxValue = 200;

function textOf(value: unknown): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length > maxValue ? `${text.slice(0, maxValue)}…` : text;
}

/** The value at `spec.ingress[0].source.selector`; undefined where nothing stands. */
function valueAt(object: KubeObject, path: string): unknown {
  let value: unknown = object;
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key ?? (index as string)];
  }
  return value;
}

import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { text } from "node:stream/consumers";
import { systemClock } from "../core/clock.ts";
import { SluiceError } from "../core/errors.ts";
import type { Validate } from "../core/kube/examine.ts";
import { type ManifestFault, readManifest } from "../core/kube/manifest.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { type Manifests, readManifestFolder } from "../core/kube/read-folder.ts";
import { problemsOf } from "../policy/kinds/read.ts";

/** Where manifests are if nobody says so. */
export const usualFolder = "./manifests";

/** Reads a folder of manifests once. What is not accepted is told line by line and left out. */
export async function readFolder(path: string, tell: (line: string) => void): Promise<readonly KubeObject[]> {
  const { objects, faults } = await readManifests(path);
  for (const fault of faults) tell(`not accepted: ${faultText(fault)}`);
  return objects;
}

/**
 * Reads a folder of manifests, or one file, once; `-` is what `kubectl get -o yaml` of a live cluster pipes in. Throws MANIFEST_INVALID if
 * it cannot be read.
 */
export async function readManifests(path: string, validate: Validate = problemsOf): Promise<Manifests> {
  if (path === "-") return manifestsIn("standard input", await text(process.stdin), validate);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return manifestsIn(basename(path), await readFile(path, "utf8"), validate);
  if (found === undefined && path === usualFolder)
    throw new SluiceError("MANIFEST_INVALID", `there is no folder ${path} here; name the one that has your manifests`);
  return readManifestFolder(path, systemClock, validate);
}

function manifestsIn(file: string, content: string, validate: Validate): Manifests {
  const { objects, faults } = readManifest(file, content, validate);
  const placed = [...objects.values()];
  const places = placed.map(({ object, line }) => [object, { file, line }] as const);
  return { objects: placed.map(({ object }) => object), places: new Map(places), faults };
}

/** `policies/app.yaml document 2 (line 14), spec.selector: …` */
export function faultText({ file, document, line, field, message }: ManifestFault): string {
  const place = document === null ? "" : ` document ${document}${line === null ? "" : ` (line ${line})`}`;
  return `${file || "the folder"}${place}${field ? `, ${field}` : ""}: ${message}`;
}

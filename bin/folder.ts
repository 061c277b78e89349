import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { text } from "node:stream/consumers";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { SluiceError } from "../core/errors.ts";
import type { ConnectionChoice } from "../core/kube/api/connection.ts";
import type { Validate } from "../core/kube/examine.ts";
import { type ManifestFault, readManifest } from "../core/kube/manifest.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { type Manifests, readManifestFolder } from "../core/kube/read-folder.ts";
import { problemsOf } from "../policy/kinds/read.ts";
import { readCluster } from "./objects/read-cluster.ts";

/** Where manifests are if nobody says so. */
export const usualFolder = "./manifests";

/**
 * Where objects are: a folder, a file, `-` for what `kubectl get -o yaml` of a live cluster pipes in, `api:` or `api:CONTEXT` for the API
 * server of a kubeconfig.
 */
export type Place = string | ConnectionChoice;

/** What `api:` names, if the text does. */
function connectionIn(place: Place): ConnectionChoice | undefined {
  if (typeof place !== "string") return place;
  if (!place.startsWith("api:")) return undefined;
  const context = place.slice("api:".length);
  return context === "" ? {} : { context };
}

/** Where a running `sluice` has its objects from by these settings. */
export function placeOf({ source, folder, kubeconfig, context }: Config["objects"]): Place {
  return source === "folder" ? folder : { ...(kubeconfig && { kubeconfig }), ...(context && { context }) };
}

/** Reads the objects of a place once. What is not accepted is told line by line and left out. */
export async function readFolder(place: Place, tell: (line: string) => void): Promise<readonly KubeObject[]> {
  const { objects, faults } = await readManifests(place);
  for (const fault of faults) tell(`not accepted: ${faultText(fault)}`);
  return objects;
}

/** Reads a place once. Throws MANIFEST_INVALID or KUBE_FAILED if it cannot be read. */
export async function readManifests(place: Place, validate: Validate = problemsOf): Promise<Manifests> {
  const connection = connectionIn(place);
  return connection === undefined ? readFiles(place as string, validate) : readCluster(connection, validate);
}

async function readFiles(path: string, validate: Validate): Promise<Manifests> {
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

import { text } from "node:stream/consumers";
import { systemClock } from "../core/clock.ts";
import { folderSource } from "../core/kube/folder.ts";
import { type ManifestFault, readManifest, type Validate } from "../core/kube/manifest.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { silentLog } from "../core/log.ts";
import { problemsOf } from "../policy/kinds/read.ts";

/** What a folder of manifests holds. */
export interface Manifests {
  readonly objects: readonly KubeObject[];
  readonly faults: readonly ManifestFault[];
}

/** Reads a folder of manifests once. What is not accepted is told line by line and left out. */
export async function readFolder(path: string, tell: (line: string) => void): Promise<readonly KubeObject[]> {
  const { objects, faults } = await readManifests(path);
  for (const fault of faults) tell(`not accepted: ${faultText(fault)}`);
  return objects;
}

/** Reads a folder of manifests once; `-` is what `kubectl get -o yaml` of a live cluster pipes in. */
export async function readManifests(path: string, validate: Validate = problemsOf): Promise<Manifests> {
  if (path === "-") return readPiped(validate);
  const stop = new AbortController();
  const faults: ManifestFault[] = [];
  const onFault = (fault: ManifestFault) => void faults.push(fault);
  const source = folderSource({ path, clock: systemClock, log: silentLog, onFault, validate });
  for await (const changes of source.watch(stop.signal)) {
    stop.abort();
    return { objects: changes.flatMap((change) => (change.type === "upsert" ? [change.object] : [])), faults };
  }
  return { objects: [], faults };
}

async function readPiped(validate: Validate): Promise<Manifests> {
  const { objects, faults } = readManifest("standard input", await text(process.stdin), validate);
  return { objects: [...objects.values()].map(({ object }) => object), faults };
}

/** `policies/app.yaml document 2 (line 14), spec.selector: …` */
export function faultText({ file, document, line, field, message }: ManifestFault): string {
  const place = document === null ? "" : ` document ${document}${line === null ? "" : ` (line ${line})`}`;
  return `${file || "the folder"}${place}${field ? `, ${field}` : ""}: ${message}`;
}

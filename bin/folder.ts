import { systemClock } from "../core/clock.ts";
import { folderSource } from "../core/kube/folder.ts";
import type { ManifestFault } from "../core/kube/manifest.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { silentLog } from "../core/log.ts";
import { problemsOf } from "../policy/kinds/read.ts";

/** Reads a folder of manifests once. What is not accepted is told line by line and left out. */
export async function readFolder(path: string, tell: (line: string) => void): Promise<readonly KubeObject[]> {
  const stop = new AbortController();
  const onFault = (fault: ManifestFault) => tell(`not accepted: ${faultText(fault)}`);
  const source = folderSource({ path, clock: systemClock, log: silentLog, onFault, validate: problemsOf });
  for await (const changes of source.watch(stop.signal)) {
    stop.abort();
    return changes.flatMap((change) => (change.type === "upsert" ? [change.object] : []));
  }
  return [];
}

/** `policies/app.yaml document 2 (line 14), spec.selector: …` */
export function faultText({ file, document, line, field, message }: ManifestFault): string {
  const place = document === null ? "" : ` document ${document}${line === null ? "" : ` (line ${line})`}`;
  return `${file || "the folder"}${place}${field ? `, ${field}` : ""}: ${message}`;
}

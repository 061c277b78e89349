import type { Api } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { ownLabels } from "../../policy/crd.ts";
import { apply, find, type WriteOptions } from "./cluster.ts";
import type { Reference } from "./place.ts";

/** What `sluice install` did last, kept in the cluster. */
export interface InstallationRecord {
  readonly version: string;
  /** Those that were given, without defaults. */
  readonly values: unknown;
  /** All that was applied, in that order; during an installation also what the one before had. */
  readonly objects: readonly Reference[];
}

const name = "sluice-installation";
const referenceIn = (namespace: string): Reference => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace },
});

/** Undefined if nothing was installed there by `sluice install`. */
export async function readRecord(api: Api, namespace: string): Promise<InstallationRecord | undefined> {
  const found = await find(api, referenceIn(namespace));
  if (found === undefined) return undefined;
  const { version, values, objects } = found["data"] as Record<"version" | "values" | "objects", string>;
  return { version, values: JSON.parse(values), objects: JSON.parse(objects) as readonly Reference[] };
}

export async function writeRecord(
  api: Api,
  namespace: string,
  { version, values, objects }: InstallationRecord,
  options: WriteOptions,
): Promise<void> {
  const { metadata, ...type } = referenceIn(namespace);
  const data = { version, values: JSON.stringify(values), objects: JSON.stringify(objects) };
  const object: KubeObject = { ...type, metadata: { ...metadata, labels: ownLabels }, data };
  await apply(api, object, { ...options, force: true });
}

export function recordReference(namespace: string): Reference {
  return referenceIn(namespace);
}

import { hash } from "node:crypto";
import { examine, type Validate } from "../examine.ts";
import type { ManifestFault } from "../manifest.ts";
import { type KubeObject, keyOf } from "../objects.ts";
import { ApiError, malformed } from "./api.ts";
import type { Resource } from "./resource.ts";
import { slim } from "./slim.ts";

/** An object of a list or an event, slim and examined. */
export interface Item {
  /** Within its resource: `namespace/name`. */
  readonly key: string;
  readonly uid: string;
  /** Equal for what says the same. */
  readonly digest: number;
  readonly object: KubeObject;
  readonly faults: readonly ManifestFault[];
}

/** Neither lists nor events say of an object what it is. Throws ApiError for what has no name. */
export function itemOf(value: unknown, { apiVersion, kind, fields }: Resource, validate?: Validate): Item {
  const kept = slim(value, fields) as object;
  const { object, problems } = examine({ ...kept, apiVersion, kind }, validate);
  if (object === undefined)
    throw new ApiError(`${kind}: the API server told of an object without a name`, 0, malformed);
  const { namespace = "", name, uid = "" } = object.metadata;
  const faults = problems.map(({ field, message }) => ({
    ...{ file: keyOf(object), document: null, line: null },
    ...{ field, message },
  }));
  return { key: `${namespace}/${name}`, uid, digest: digestOf(object), object, faults };
}

/** Of what is kept of an object, but not of its version or who wrote it: most versions of a pod or node differ in nothing that is read. 48 bits. */
function digestOf(object: KubeObject): number {
  const ofServer = { resourceVersion: undefined, managedFields: undefined };
  const text = JSON.stringify({ ...object, metadata: { ...object.metadata, ...ofServer } });
  return Number.parseInt(hash("sha256", text, "hex").slice(0, 12), 16);
}

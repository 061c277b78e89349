import type { Validate } from "../examine.ts";
import { fileFault, type ManifestFault } from "../manifest.ts";
import type { KubeObject } from "../objects.ts";
import { type Api, ApiError } from "./api.ts";
import { listWith } from "./listing.ts";
import { Mirror } from "./mirror.ts";
import { nameOf, type Resource } from "./resource.ts";

export interface ReadOptions {
  readonly api: Api;
  readonly resources: readonly Resource[];
  readonly validate: Validate;
  readonly signal: AbortSignal;
}

export interface ReadObjects {
  readonly objects: readonly KubeObject[];
  readonly faults: readonly ManifestFault[];
}

/**
 * The objects of an API server once, as ApiSource would tell them. A resource that may not be read is a fault, unless it is required. Throws
 * ApiError.
 */
export async function readObjects({ resources, ...options }: ReadOptions): Promise<ReadObjects> {
  const all = await Promise.all(resources.map((resource) => readResource(resource, options)));
  return { objects: all.flatMap(({ objects }) => objects), faults: all.flatMap(({ faults }) => faults) };
}

async function readResource(
  resource: Resource,
  { api, validate, signal }: Omit<ReadOptions, "resources">,
): Promise<ReadObjects> {
  try {
    const mirror = new Mirror(resource, validate);
    const { items } = await listWith(api, resource, mirror.listed, signal);
    const { changes, faults } = mirror.replace(items);
    return { objects: changes.flatMap((change) => (change.type === "upsert" ? [change.object] : [])), faults };
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    if (thrown.status === 404) return { objects: [], faults: [] };
    if (resource.isRequired || (thrown.status !== 401 && thrown.status !== 403)) throw thrown;
    return { objects: [], faults: [fileFault(nameOf(resource), thrown.message)] };
  }
}

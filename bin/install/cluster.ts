import { type Api, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { pathOf, type Reference } from "./place.ts";

export type Outcome = "created" | "changed" | "unchanged" | "would be created" | "would be changed";

export interface WriteOptions {
  /** The server checks everything and keeps nothing. */
  readonly dry: boolean;
  /** Fields that others have set are taken over. */
  readonly force: boolean;
}

const fieldManager = "sluice";

/** The object as the server has it; undefined where it has none. */
export async function find(api: Api, reference: Reference): Promise<KubeObject | undefined> {
  try {
    return (await api.get(pathOf(reference))) as KubeObject;
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

/** Makes the object so, in the fields that it names, as `kubectl apply --server-side` does. Throws ApiError. */
export async function apply(api: Api, object: KubeObject, { dry, force }: WriteOptions): Promise<Outcome> {
  const before = await find(api, object);
  const after = (await api.send("PATCH", pathOf(object), {
    query: { fieldManager, ...(dry && { dryRun: "All" }), ...(force && { force: "true" }) },
    body: object,
    type: "application/apply-patch+yaml",
  })) as KubeObject;
  if (before === undefined) return dry ? "would be created" : "created";
  if (contentOf(before) === contentOf(after)) return "unchanged";
  return dry ? "would be changed" : "changed";
}

/** False if it was not there. Throws ApiError. */
export async function remove(api: Api, reference: Reference): Promise<boolean> {
  try {
    await api.send("DELETE", pathOf(reference), { query: { propagationPolicy: "Background" } });
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}

/** Without what the server writes beside; on trial it gives no new version. */
function contentOf({ metadata, status: _, ...content }: KubeObject): string {
  const { managedFields: _f, resourceVersion: _v, generation: _g, ...told } = metadata as unknown as ServerMetadata;
  return JSON.stringify([told, content]);
}

interface ServerMetadata {
  readonly managedFields: unknown;
  readonly resourceVersion: unknown;
  readonly generation: unknown;
}

import type { KubeObject } from "./objects.ts";

/** What became of one object. */
export type Change<T = KubeObject> =
  | { readonly type: "upsert"; readonly object: T }
  | { readonly type: "delete"; readonly object: T }
  /** All objects that exist have been told once. Comes exactly once per watch. */
  | { readonly type: "synced" };

/** A place where objects live: a folder of YAML (folder.ts), or an API server (api/source.ts). */
export interface ObjectSource {
  readonly name: string;
  /** All objects, in one batch that `synced` closes; then every change, in batches that belong together. Ends when the signal aborts. */
  watch(signal: AbortSignal): AsyncIterable<readonly Change[]>;
}

import { type Api, isMissing } from "../../core/kube/api/api.ts";
import { versionPathOf } from "../../core/kube/api/resource.ts";
import type { KubeObject } from "../../core/kube/objects.ts";

interface ServedResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Where an API server has the objects of each kind, as it says itself. */
export class ServedKinds {
  readonly #api: Api;
  readonly #known = new Map<string, readonly ServedResource[]>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** The path of an object, or undefined if its kind is not served (yet). */
  async pathOf({ apiVersion, kind, metadata }: KubeObject): Promise<string | undefined> {
    const isIt = (resource: ServedResource) => resource.kind === kind && !resource.name.includes("/");
    const served = this.#known.get(apiVersion)?.find(isIt) ?? (await this.#ask(apiVersion)).find(isIt);
    if (served === undefined) return undefined;
    const folder = served.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
    return `${versionPathOf(apiVersion)}${folder}/${served.name}/${encodeURIComponent(metadata.name)}`;
  }

  async #ask(apiVersion: string): Promise<readonly ServedResource[]> {
    try {
      const { resources } = (await this.#api.get(versionPathOf(apiVersion))) as {
        resources: readonly ServedResource[];
      };
      this.#known.set(apiVersion, resources);
      return resources;
    } catch (cause) {
      if (isMissing(cause)) return [];
      throw cause;
    }
  }
}

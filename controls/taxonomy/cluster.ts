import { type Api, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { taxonomyLabel } from "../../policy/taxonomy/admission.ts";
import type { TimedCondition } from "../conditions.ts";

const registration = "/apis/admissionregistration.k8s.io/v1";
const paths: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: `${registration}/validatingadmissionpolicies`,
  ValidatingAdmissionPolicyBinding: `${registration}/validatingadmissionpolicybindings`,
};
const taxonomyVersion = "controls.sluice.dev/v1alpha1";
const taxonomyPath = `/apis/${taxonomyVersion}/labeltaxonomies`;

/** By which the API server knows who owns which field. */
const fieldManager = "sluice-controls";
const applied = { query: { fieldManager, force: "true" }, type: "application/apply-patch+yaml" } as const;

/** What the taxonomies are kept true by: requests to an API server. */
export class TaxonomyCluster {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  taxonomies(signal: AbortSignal): Promise<readonly KubeObject[]> {
    return this.#list(taxonomyPath, { apiVersion: taxonomyVersion, kind: "LabelTaxonomy" }, {}, signal);
  }

  /** Policies and bindings that were made of taxonomies. */
  async admission(signal: AbortSignal): Promise<readonly KubeObject[]> {
    const lists = Object.entries(paths).map(([kind, path]) => {
      const type = { apiVersion: "admissionregistration.k8s.io/v1", kind };
      return this.#list(path, type, { labelSelector: taxonomyLabel }, signal);
    });
    return (await Promise.all(lists)).flat();
  }

  /** Makes it, or makes it so again. */
  async apply(object: KubeObject, signal: AbortSignal): Promise<void> {
    await this.#api.send("PATCH", pathOf(object), { ...applied, body: object, signal });
  }

  async remove(object: KubeObject, signal: AbortSignal): Promise<void> {
    await this.#api.send("DELETE", pathOf(object), { signal }).catch(unlessGone);
  }

  async writeStatus(name: string, conditions: readonly TimedCondition[], signal: AbortSignal): Promise<void> {
    const body = { apiVersion: taxonomyVersion, kind: "LabelTaxonomy", metadata: { name }, status: { conditions } };
    await this.#api.send("PATCH", `${taxonomyPath}/${name}/status`, { ...applied, body, signal }).catch(unlessGone);
  }

  /** Items of a list do not say what they are. */
  async #list(
    path: string,
    type: { readonly apiVersion: string; readonly kind: string },
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<readonly KubeObject[]> {
    const { items } = (await this.#api.get(path, { query, signal })) as { readonly items: readonly KubeObject[] };
    return items.map((item) => ({ ...item, ...type }));
  }
}

function pathOf({ kind, metadata }: KubeObject): string {
  return `${paths[kind]}/${metadata.name}`;
}

function unlessGone(thrown: unknown): void {
  if (!isMissing(thrown)) throw thrown;
}

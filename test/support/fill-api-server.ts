import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { resources } from "../../bin/objects/resources.ts";
import { type Api, ApiError } from "../../core/kube/api/api.ts";
import { nameOf, pathOf, type Resource, versionPathOf } from "../../core/kube/api/resource.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { readYaml } from "../../core/kube/yaml.ts";
import { until } from "./until.ts";

/** So many requests at once keep a server on this machine busy. */
const inFlight = 32;

const crdPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Installs our own CRDs and waits until their kinds are served. */
export async function installCrds(api: Api): Promise<void> {
  const folder = join(import.meta.dirname, "..", "..", "deploy", "crds");
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
  await Promise.all(texts.map((text) => api.send("POST", crdPath, { body: readYaml(text)[0]?.value })));
  const ours = resources.filter(({ apiVersion }) => apiVersion === "projectcalico.org/v3");
  for (const resource of ours)
    await until(`${nameOf(resource)} to be served`, () => isServed(api, pathOf(resource)), 20_000);
}

async function isServed(api: Api, path: string): Promise<boolean> {
  try {
    await api.get(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof ApiError && (thrown.status === 404 || thrown.status === 429)) return false;
    throw thrown;
  }
}

/** Writes objects as people and controllers do: their status apart from the rest. Namespaces must come before what is in them. */
export async function fillApiServer(api: Api, objects: Iterable<KubeObject>): Promise<void> {
  const rest = objects[Symbol.iterator]();
  const namespaces: Promise<unknown>[] = [];
  const worker = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      const written = create(api, next.value);
      if (next.value.kind === "Namespace") namespaces.push(written);
      else await Promise.all(namespaces);
      await written;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

async function create(api: Api, object: KubeObject): Promise<void> {
  const path = collectionOf(object);
  await api.send("POST", path, { body: object });
  if (object["status"] === undefined) return;
  const status = { body: { status: object["status"] }, type: "application/merge-patch+json" } as const;
  await api.send("PATCH", `${path}/${object.metadata.name}/status`, status);
}

/** `/api/v1/namespaces/shop/pods` */
export function collectionOf({ apiVersion, kind, metadata: { namespace } }: KubeObject): string {
  const resource = resources.find((one) => one.apiVersion === apiVersion && one.kind === kind) as Resource;
  return namespace === undefined
    ? pathOf(resource)
    : `${versionPathOf(apiVersion)}/namespaces/${namespace}/${resource.plural}`;
}

/** Deletes one at once, without the time that a kubelet would be given. */
export async function deleteObject(api: Api, object: KubeObject): Promise<void> {
  await api.send("DELETE", `${collectionOf(object)}/${object.metadata.name}`, { query: { gracePeriodSeconds: 0 } });
}

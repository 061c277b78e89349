import { Api, isMissing } from "../../core/kube/api/api.ts";
import { type ConnectionChoice, connectionOf } from "../../core/kube/api/connection.ts";
import { listAll } from "../../core/kube/api/listing.ts";
import type { Resource } from "../../core/kube/api/resource.ts";
import type { Fields } from "../../core/kube/api/slim.ts";
import type { KubeObject } from "../../core/kube/objects.ts";

const identity: Fields = { name: true, namespace: true, labels: true };
const own: Fields = { metadata: identity, status: { phase: true } };
const template: Fields = { template: { metadata: { labels: true } } };
const workload: Fields = {
  metadata: { ...identity, ownerReferences: true },
  spec: { ...template, jobTemplate: { spec: template } },
};

const resource = (apiVersion: string, kind: string, plural: string, fields: Fields): Resource => ({
  ...{ apiVersion, kind, plural, fields },
  isRequired: true,
});

const taxonomies = resource("controls.sluice.dev/v1alpha1", "LabelTaxonomy", "labeltaxonomies", {
  metadata: identity,
  spec: true,
});
const carriers: readonly Resource[] = [
  resource("v1", "Namespace", "namespaces", own),
  resource("v1", "Node", "nodes", own),
  resource("v1", "Pod", "pods", own),
  resource("v1", "ReplicationController", "replicationcontrollers", workload),
  resource("apps/v1", "Deployment", "deployments", workload),
  resource("apps/v1", "StatefulSet", "statefulsets", workload),
  resource("apps/v1", "DaemonSet", "daemonsets", workload),
  resource("apps/v1", "ReplicaSet", "replicasets", workload),
  resource("batch/v1", "Job", "jobs", workload),
  resource("batch/v1", "CronJob", "cronjobs", workload),
];

/** What a cluster has of LabelTaxonomies and of those they speak of. Throws KUBE_FAILED. */
export async function clusterObjects(choice: ConnectionChoice, signal: AbortSignal): Promise<readonly KubeObject[]> {
  const api = new Api(connectionOf(choice));
  const lists = await Promise.all([
    objectsOf(api, taxonomies, signal).catch(noneIfUnknown),
    ...carriers.map((one) => objectsOf(api, one, signal)),
  ]);
  return lists.flat();
}

/** Items of a list do not say what they are. */
async function objectsOf(api: Api, of: Resource, signal: AbortSignal): Promise<readonly KubeObject[]> {
  const { items } = await listAll(api, of, signal);
  return items.map((item) => ({ ...(item as KubeObject), apiVersion: of.apiVersion, kind: of.kind }));
}

/** Without the CRD there is no taxonomy either. */
function noneIfUnknown(thrown: unknown): readonly KubeObject[] {
  if (isMissing(thrown)) return [];
  throw thrown;
}

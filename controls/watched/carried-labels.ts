import { textIn, within } from "../../core/kube/field.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Labels } from "../../policy/selector/syntax.ts";

/** Labels by which policies find pods and nodes, as an object carries them: its own, or those of the pods that it makes. */
export interface CarriedLabels {
  readonly of: "namespace" | "serviceAccount" | "node" | "pod" | "template";
  readonly labels: Labels;
  /** Under which pods run; null for what are none. */
  readonly serviceAccount: string | null;
  /** By which a workload knows its pods, whichever of its templates made them; null for what has none. */
  readonly selects: Labels | null;
  /** So much of the object as was looked at. */
  readonly part: KubeObject;
}

const template = ["spec", "template"];
const templates: ReadonlyMap<string, readonly string[]> = new Map([
  ["apps/v1/Deployment", template],
  ["apps/v1/StatefulSet", template],
  ["apps/v1/DaemonSet", template],
  ["apps/v1/ReplicaSet", template],
  ["v1/ReplicationController", template],
  ["batch/v1/Job", template],
  ["batch/v1/CronJob", ["spec", "jobTemplate", ...template]],
]);

const plain: ReadonlyMap<string, "namespace" | "serviceAccount" | "node"> = new Map([
  ["v1/Namespace", "namespace"],
  ["v1/ServiceAccount", "serviceAccount"],
  ["v1/Node", "node"],
] as const);

/** Null for objects that carry none. What another one makes (a ReplicaSet of a Deployment) says what that one said already. */
export function carriedLabels(object: KubeObject): CarriedLabels | null {
  const kind = `${object.apiVersion}/${object.kind}`;
  const of = plain.get(kind);
  if (of !== undefined)
    return { of, labels: object.metadata.labels ?? {}, serviceAccount: null, selects: null, part: bare(object, {}) };
  if (kind === "v1/Pod") return carriedByPod(object);
  const path = templates.get(kind);
  const isMade = object.metadata.ownerReferences?.some(({ controller }) => controller === true);
  return path === undefined || isMade === true ? null : carriedByTemplate(object, path);
}

function carriedByPod(pod: KubeObject): CarriedLabels {
  const serviceAccount = accountOf(pod["spec"]);
  const part = bare(pod, { spec: { serviceAccountName: serviceAccount } });
  return { of: "pod", labels: pod.metadata.labels ?? {}, serviceAccount, selects: null, part };
}

function carriedByTemplate(object: KubeObject, path: readonly string[]): CarriedLabels {
  const found = path.reduce<unknown>(within, object);
  const labels = (within(within(found, "metadata"), "labels") ?? {}) as Labels;
  const serviceAccount = accountOf(within(found, "spec"));
  const pod = { metadata: { labels }, spec: { serviceAccountName: serviceAccount } };
  const selects = selectedBy(object);
  const selector = selects === null ? {} : { selector: { matchLabels: selects } };
  const spec = path.slice(1).reduceRight<object>((below, field) => ({ [field]: below }), pod);
  const { labels: _, ...metadata } = bare(object, {}).metadata;
  const part = { ...bare(object, { spec: { ...selector, ...spec } }), metadata };
  return { of: "template", labels, serviceAccount, selects, part };
}

/** Null where there is none, or one that takes more than labels to say. */
function selectedBy(object: KubeObject): Labels | null {
  const selector = within(object["spec"], "selector");
  const labels = within(selector, "matchLabels");
  return labels === undefined || within(selector, "matchExpressions") !== undefined ? null : (labels as Labels);
}

const accountOf = (spec: unknown): string => textIn(spec, "serviceAccountName") ?? "default";

function bare({ apiVersion, kind, metadata }: KubeObject, body: object): KubeObject {
  const { name, namespace, labels = {} } = metadata;
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels }, ...body };
}

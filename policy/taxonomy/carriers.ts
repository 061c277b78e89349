import type { KubeObject } from "../../core/kube/objects.ts";
import { isMapping } from "../kinds/reading.ts";
import type { Labels } from "../selector/syntax.ts";
import type { TargetName } from "./targets.ts";

/** Something that carries labels of which a taxonomy may speak. */
export interface Carrier {
  readonly target: TargetName;
  /** `Pod`, or what has the template: `Deployment`. */
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly labels: Labels;
  /** Of the namespace that it is in, with its name as the API server puts it there; none of what is in no namespace. */
  readonly namespaceLabels: Labels;
}

/** Where the template stands. */
const templates = new Map<string, readonly string[]>([
  ...["v1/ReplicationController", "batch/v1/Job"].map((kind) => [kind, ["spec", "template"]] as const),
  ...["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"].map(
    (kind) => [`apps/v1/${kind}`, ["spec", "template"]] as const,
  ),
  ["batch/v1/CronJob", ["spec", "jobTemplate", "spec", "template"]],
]);
const owns = new Map<string, TargetName>([
  ["v1/Pod", "pods"],
  ["v1/Namespace", "namespaces"],
  ["v1/Node", "nodes"],
]);

/** All that are worth counting: no pods that have ended, and no templates that somebody made of another one. */
export function carriersIn(objects: readonly KubeObject[]): readonly Carrier[] {
  const namespaces = new Map(
    objects.filter((object) => typeOf(object) === "v1/Namespace").map(({ metadata }) => [metadata.name, metadata]),
  );
  return objects.flatMap((object) => {
    const found = ownLabels(object) ?? templateLabels(object);
    if (found === undefined) return [];
    const { name, namespace: home } = object.metadata;
    const namespace = found.target === "namespaces" || found.target === "nodes" ? null : (home ?? "default");
    const given = namespace === null ? {} : namespaces.get(namespace)?.labels;
    const namespaceLabels = namespace === null ? {} : { ...given, "kubernetes.io/metadata.name": namespace };
    return [{ ...found, kind: object.kind, namespace, name, namespaceLabels }];
  });
}

type Found = Pick<Carrier, "target" | "labels">;

function ownLabels(object: KubeObject): Found | undefined {
  const target = owns.get(typeOf(object));
  if (target === undefined || (target === "pods" && hasEnded(object))) return undefined;
  return { target, labels: object.metadata.labels ?? {} };
}

function templateLabels(object: KubeObject): Found | undefined {
  const path = templates.get(typeOf(object));
  if (path === undefined || object.metadata.ownerReferences?.some(({ controller }) => controller)) return undefined;
  const labels = [...path, "metadata", "labels"].reduce<unknown>(
    (value, field) => (isMapping(value) ? value[field] : undefined),
    object,
  );
  const texts = Object.entries(isMapping(labels) ? labels : {}).filter(([, value]) => typeof value === "string");
  return { target: "templates", labels: Object.fromEntries(texts) as Labels };
}

function hasEnded(pod: KubeObject): boolean {
  const status = pod["status"];
  return isMapping(status) && (status["phase"] === "Succeeded" || status["phase"] === "Failed");
}

const typeOf = ({ apiVersion, kind }: KubeObject) => `${apiVersion}/${kind}`;

import type { KubeObject } from "../../core/kube/objects.ts";
import { crdOf, ownLabels } from "../../policy/crd.ts";
import { customResources } from "../../policy/kinds/custom-resources.ts";
import { groups } from "./all.ts";
import { fill } from "./fill.ts";
import type { Values } from "./values.ts";

/** Definitions of all kinds that Sluice brings. */
export function definitions(): readonly KubeObject[] {
  return customResources.map((resource) => crdOf(resource) as unknown as KubeObject);
}

/** Pods of nodes share the node's network and process ids, which Pod Security grants to privileged namespaces only. */
export function namespaceObject(name: string): KubeObject {
  const level = (mode: string) => [`pod-security.kubernetes.io/${mode}`, "privileged"] as const;
  const labels = { ...ownLabels, ...Object.fromEntries(["enforce", "audit", "warn"].map(level)) };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** What works in the cluster, without its namespace. */
export function workingObjects(values: Values, namespace: string): readonly KubeObject[] {
  const from = { values, namespace };
  return groups.flatMap(({ objects }) =>
    objects.map((object) => fill(object, from) as KubeObject | undefined).filter((object) => object !== undefined),
  );
}

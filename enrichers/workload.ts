import type { KubeObject } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
import { fieldAt, listAt, textAt } from "./fields.ts";

/** What a person deployed, e.g. Deployment `web`. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
  /** False while an object that is not known yet could tell better. */
  readonly final: boolean;
}

/** The object that made a pod and replaces it. */
export interface Controller {
  readonly kind: string;
  readonly name: string;
}

export interface Controlled {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly controller: Controller | null;
}

/** The owner reference marked `controller`, else the first. */
export function controllerOf(object: KubeObject): Controller | null {
  const owners = listAt(object, "metadata", "ownerReferences");
  const owner = owners.find((reference) => fieldAt(reference, "controller") === true) ?? owners[0];
  const [kind, name] = [textAt(owner, "kind"), textAt(owner, "name")];
  return kind === undefined || name === undefined ? null : { kind, name };
}

/** Controllers of one level stand between pod and workload: ReplicaSet (of a Deployment) and Job (of a CronJob). */
const between = new Set(["ReplicaSet", "Job"]);

/** Labels with which a controller marks the pods of one of its ReplicaSets, whose name ends in the same hash. */
const hashLabels = [
  ["pod-template-hash", "Deployment"],
  ["rollouts-pod-template-hash", "Rollout"],
] as const;

/** Follows a pod's owners to its workload. */
export class Workloads {
  readonly #controllers = new Map<string, Controller | null>();
  #version = 0;

  /** Another one whenever `of` may answer otherwise than before. */
  get version(): number {
    return this.#version;
  }

  /** Whether any of the changes concerned a controller. */
  update(changes: readonly Change[]): boolean {
    let concerned = false;
    for (const change of changes) {
      if (change.type === "synced" || !between.has(change.object.kind)) continue;
      concerned = true;
      const { kind, metadata } = change.object;
      const key = keyOf(kind, metadata.namespace ?? "default", metadata.name);
      if (change.type === "upsert") this.#controllers.set(key, controllerOf(change.object));
      else this.#controllers.delete(key);
    }
    if (concerned) this.#version += 1;
    return concerned;
  }

  of(pod: Controlled): Workload {
    const owner = pod.controller;
    if (owner === null) return byHash(pod, withoutSuffix(pod.name)) ?? { kind: "Pod", name: pod.name, final: true };
    // The kubelet's static pods are "controlled" by their node.
    if (owner.kind === "Node") return { kind: "Pod", name: pod.name, final: true };
    if (!between.has(owner.kind)) return { ...owner, final: true };
    const above = this.#controllers.get(keyOf(owner.kind, pod.namespace, owner.name));
    if (above !== undefined) return { ...(above ?? owner), final: true };
    return byHash(pod, owner.name) ?? { ...owner, final: false };
  }
}

const keyOf = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`;

/** `web` of ReplicaSet `web-5d8f7c9b4` whose pods say `pod-template-hash: 5d8f7c9b4`. */
function byHash(pod: Controlled, replicaSet: string): Workload | undefined {
  for (const [label, kind] of hashLabels) {
    const hash = pod.labels[label];
    if (hash === undefined || !replicaSet.endsWith(`-${hash}`)) continue;
    const name = replicaSet.slice(0, -hash.length - 1);
    if (name !== "") return { kind, name, final: false };
  }
  return undefined;
}

/** `web-5d8f7c9b4` of pod `web-5d8f7c9b4-x2x9z`. */
function withoutSuffix(pod: string): string {
  return pod.slice(0, Math.max(0, pod.lastIndexOf("-")));
}

import type { KubeObject, ObjectMeta, OwnerReference } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";

export const upsert = (object: KubeObject): Change => ({ type: "upsert", object });
export const remove = (object: KubeObject): Change => ({ type: "delete", object });
export const synced: Change = { type: "synced" };

export interface PodParts {
  readonly uid?: string;
  readonly node?: string;
  readonly ips?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** status.startTime. */
  readonly started?: string;
  readonly deletionTimestamp?: string;
  readonly phase?: string;
  readonly hostNetwork?: boolean;
  readonly owner?: OwnerReference;
  /** finishedAt of its only container. */
  readonly finished?: string;
}

/** A running Pod of `namespace/name`. */
export function podObject(path: string, parts: PodParts = {}): KubeObject {
  const { node = "node-1", ips = [], started, phase = "Running", hostNetwork = false, finished } = parts;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: podMeta(path, parts),
    spec: { nodeName: node, hostNetwork },
    status: {
      phase,
      ...(ips[0] === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
      ...(started === undefined ? {} : { startTime: started }),
      ...(finished === undefined
        ? {}
        : { containerStatuses: [{ name: "main", state: { terminated: { finishedAt: finished } } }] }),
    },
  };
}

function podMeta(path: string, { uid, labels, deletionTimestamp, owner }: PodParts): ObjectMeta {
  return {
    ...metaOf(path),
    ...(uid === undefined ? {} : { uid }),
    ...(labels === undefined ? {} : { labels }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(owner === undefined ? {} : { ownerReferences: [owner] }),
  };
}

/** A Node with internal addresses. */
export function nodeObject(name: string, ips: readonly string[], podCidrs: readonly string[] = []): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name } },
    spec: { podCIDRs: podCidrs },
    status: { addresses: ips.map((address) => ({ type: "InternalIP", address })) },
  };
}

/** Any object of `namespace/name` that another one owns. */
export function ownedObject(kind: string, path: string, owner?: OwnerReference): KubeObject {
  const ownerReferences = owner === undefined ? [] : [owner];
  return { apiVersion: "apps/v1", kind, metadata: { ...metaOf(path), ownerReferences } };
}

export function ownedBy(kind: string, name: string): OwnerReference {
  return { apiVersion: "apps/v1", kind, name, controller: true };
}

export function serviceObject(path: string, spec: object, status: object = {}): KubeObject {
  return { apiVersion: "v1", kind: "Service", metadata: metaOf(path), spec, status };
}

function metaOf(path: string): { readonly namespace: string; readonly name: string } {
  const [namespace, name] = path.split("/") as [string, string];
  return { namespace, name };
}

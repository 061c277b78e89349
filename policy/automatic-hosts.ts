import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
import { readNode } from "./kinds/cluster.ts";

/**
 * A HostEndpoint for each Node, as Calico's kube-controllers makes them where they are told to: of all its interfaces, with the labels of
 * the node, and open where no policy selects it. Objects pass through; one that has the name of ours counts before ours.
 */
export class AutomaticHosts {
  readonly #derived = new Map<string, KubeObject>();
  /** Keys of those that somebody made. */
  readonly #made = new Set<string>();

  after(changes: readonly Change[]): readonly Change[] {
    return changes.flatMap((change) => {
      if (change.type === "synced") return [change];
      if (isNode(change.object)) return [change, ...this.#ofNode(change.type, change.object)];
      return isHost(change.object) ? this.#ofHost(change.type, change.object) : [change];
    });
  }

  #ofNode(type: "upsert" | "delete", node: KubeObject): readonly Change[] {
    const object = hostOf(node);
    automatic.add(object);
    const key = keyOf(object);
    if (type === "upsert") this.#derived.set(key, object);
    else this.#derived.delete(key);
    return this.#made.has(key) ? [] : [{ type, object }];
  }

  #ofHost(type: "upsert" | "delete", object: KubeObject): readonly Change[] {
    const key = keyOf(object);
    if (type === "upsert") this.#made.add(key);
    else this.#made.delete(key);
    const derived = this.#derived.get(key);
    const takesOver = type === "delete" && derived !== undefined;
    return [{ type, object }, ...(takesOver ? [{ type: "upsert", object: derived } as const] : [])];
  }
}

const automatic = new WeakSet<KubeObject>();

/** Whether nobody made the object: it follows from a Node. */
export const isAutomatic = (object: KubeObject): boolean => automatic.has(object);

const apiVersion = "projectcalico.org/v3";
const isNode = ({ apiVersion, kind }: KubeObject) => apiVersion === "v1" && kind === "Node";
const isHost = (object: KubeObject) => object.apiVersion === apiVersion && object.kind === "HostEndpoint";

function hostOf(node: KubeObject): KubeObject {
  const { name, uid, labels = {} } = node.metadata;
  const read = readNode(node);
  const addresses = "value" in read ? read.value.addresses : [];
  return {
    apiVersion,
    kind: "HostEndpoint",
    metadata: {
      name: `${name}-auto-hep`,
      ...(uid === undefined ? {} : { uid }),
      labels: { ...labels, "projectcalico.org/created-by": "calico-kube-controllers" },
    },
    spec: {
      node: name,
      interfaceName: "*",
      profiles: ["projectcalico-default-allow"],
      ...(addresses.length === 0 ? {} : { expectedIPs: addresses }),
    },
  };
}

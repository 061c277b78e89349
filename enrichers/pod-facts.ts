import { type Address, tryParseAddress } from "../core/address.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { fieldAt, listAt, microsecondsAt, textAt, textsAt } from "./fields.ts";
import { type Controller, controllerOf } from "./workload.ts";

/** What a Pod object says about who had which address. Times in microseconds since the epoch. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | null;
  readonly node: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly controller: Controller | null;
  /** Addresses that are the pod's own just now: none of a pod on the host's network or one that has ended. */
  readonly addresses: readonly Address[];
  /** Texts in place of an address that are none. */
  readonly unreadable: number;
  /** Not before this did it have an address: the kubelet stamps it before it makes the sandbox. Whole seconds, rounded down. */
  readonly startedAt: number | null;
  /** When it must be gone at the latest, once somebody has asked for its deletion. */
  readonly dueAt: number | null;
  /** When the last of its containers had ended; null while one runs. Rounded up to the whole second. */
  readonly finishedAt: number | null;
}

export function podFactsOf(object: KubeObject): PodFacts {
  const texts = addressTexts(object);
  const addresses = texts.map(tryParseAddress).filter((address) => address !== undefined);
  return {
    namespace: object.metadata.namespace ?? "default",
    name: object.metadata.name,
    uid: object.metadata.uid ?? null,
    node: textAt(object, "spec", "nodeName") ?? null,
    labels: textsAt(object, "metadata", "labels"),
    controller: controllerOf(object),
    addresses: holdsAddresses(object) ? [...new Set(addresses)] : [],
    unreadable: texts.length - addresses.length,
    startedAt: microsecondsAt(object, "status", "startTime") ?? microsecondsAt(object, "metadata", "creationTimestamp"),
    dueAt: microsecondsAt(object, "metadata", "deletionTimestamp"),
    finishedAt: finishedAt(object),
  };
}

/** A pod on the host's network reports the node's addresses; one that has ended still reports the one it gave back. */
function holdsAddresses(object: KubeObject): boolean {
  const phase = textAt(object, "status", "phase");
  return fieldAt(object, "spec", "hostNetwork") !== true && phase !== "Succeeded" && phase !== "Failed";
}

function addressTexts(object: KubeObject): readonly string[] {
  const several = listAt(object, "status", "podIPs").map((entry) => textAt(entry, "ip"));
  return [...new Set([textAt(object, "status", "podIP"), ...several])].filter((text) => text !== undefined);
}

function finishedAt(object: KubeObject): number | null {
  const containers = listAt(object, "status", "containerStatuses");
  const ends = containers.map((status) => microsecondsAt(status, "state", "terminated", "finishedAt"));
  if (ends.length === 0 || ends.includes(null)) return null;
  return Math.max(...ends.map((end) => end ?? 0)) + 1_000_000;
}

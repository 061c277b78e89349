import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import { notEnforcedWords } from "../policy/describe.ts";
import { ruleTitle } from "../policy/explain.ts";
import type { PairImpact } from "../policy/impact.ts";
import { readFact } from "../policy/kinds/read.ts";
import { plural } from "../sinks/live/text.ts";
import { readManifests } from "./folder.ts";
import { trafficText } from "./protocol-text.ts";

/** Something of an existing set-up that is not in force here as it was there. Keys as `-o json` prints them. */
export interface Difference {
  /**
   * `refused`: the object as a whole has no effect. `partly`: it has, but for this. `elsewhere`: not a matter of policy here. `denies`:
   * recorded traffic that was allowed would not be any more.
   */
  readonly effect: "refused" | "partly" | "elsewhere" | "denies";
  /** Key of the object; of traffic `shop/web -> shop/db, TCP port 5432`. */
  readonly object: string;
  readonly field: string | null;
  readonly reason: string;
}

/** What of the objects of a folder is not enforced here. */
export async function differencesIn(path: string): Promise<readonly Difference[]> {
  const { objects, faults } = await readManifests(path, () => []);
  const unreadable = faults.map(({ file, line, field, message }): Difference => {
    const object = line === null ? file : `${file}:${line}`;
    return { effect: "refused", object, field, reason: message };
  });
  return [...unreadable, ...objects.flatMap(differencesOf)];
}

/** Traffic that the policies would deny. */
export function denialOf({ source, destination, protocol, port, by, flows }: PairImpact): Difference {
  const reason = `${plural(flows, "recorded flow")} would be denied: ${by === null ? "by several policies" : ruleTitle(by)}`;
  const object = `${source} -> ${destination}, ${trafficText(protocol, port)}`;
  return { effect: "denies", object, field: null, reason };
}

function differencesOf(object: KubeObject): readonly Difference[] {
  const elsewhere = elsewhereReason(object);
  if (elsewhere !== undefined) return [{ effect: "elsewhere", object: keyOf(object), field: null, reason: elsewhere }];
  const foreign = foreignReason(object);
  if (foreign !== undefined) return [{ effect: "refused", object: keyOf(object), field: null, reason: foreign }];
  const read = readFact(object);
  if ("problems" in read)
    return read.problems.map(({ field, message }) => ({
      effect: "refused",
      object: keyOf(object),
      field,
      reason: message,
    }));
  return partly(object);
}

/** Kinds of Calico that say how it works, not what is allowed: who moves to Sluice sets that elsewhere. */
const settings: Readonly<Record<string, string>> = {
  BGPConfiguration: "routing stays with the CNI",
  BGPFilter: "routing stays with the CNI",
  BGPPeer: "routing stays with the CNI",
  BlockAffinity: "addresses stay with the CNI",
  CalicoNodeStatus: "is a report of Calico's own",
  ClusterInformation: "is a report of Calico's own",
  FelixConfiguration:
    "settings of Sluice are its own (docs/reference/config.md); failsafe ports have Calico's defaults",
  IPAMBlock: "addresses stay with the CNI",
  IPAMConfig: "addresses stay with the CNI",
  IPAMHandle: "addresses stay with the CNI",
  IPPool: "addresses stay with the CNI",
  IPReservation: "addresses stay with the CNI",
  KubeControllersConfiguration: "Sluice reads namespaces and service accounts itself",
  Node: "nodes are read from Kubernetes",
};

function elsewhereReason({ apiVersion, kind }: KubeObject): string | undefined {
  return /(^|\.)projectcalico\.org\//.test(apiVersion) && Object.hasOwn(settings, kind) ? settings[kind] : undefined;
}

/** Policies of others, which Sluice does not look at and never takes for its own. */
const foreign: readonly (readonly [RegExp, string])[] = [
  [/^crd\.projectcalico\.org\//, "is Calico's own storage; export it as projectcalico.org/v3 (calicoctl get -o yaml)"],
  [/^cilium\.io\//, "is a policy of Cilium; write it as projectcalico.org/v3 or networking.k8s.io"],
  [/^crd\.antrea\.io\//, "is a policy of Antrea; write it as projectcalico.org/v3 or networking.k8s.io"],
  [/^(security|networking)\.istio\.io\//, "is for Istio's proxies, which go on deciding about HTTP"],
  [/^policy\.linkerd\.io\//, "is for Linkerd's proxies, which go on deciding about HTTP"],
];

function foreignReason({ apiVersion }: KubeObject): string | undefined {
  return foreign.find(([group]) => group.test(apiVersion))?.[1];
}

/** Accepted, but for parts that a packet filter cannot decide. */
function partly(object: KubeObject): readonly Difference[] {
  const read = readFact(object);
  const one = (field: string, reason: string): Difference => ({
    effect: "partly",
    object: keyOf(object),
    field,
    reason,
  });
  const domains = (object["spec"] as { readonly allowedEgressDomains?: unknown } | undefined)?.allowedEgressDomains;
  if (!("problems" in read) && read.value.type === "networkSet" && Array.isArray(domains) && domains.length > 0)
    return [one("spec.allowedEgressDomains", "domains are not enforced: no address is a member because of them")];
  if ("problems" in read || read.value.type !== "policy") return [];
  const { policy } = read.value;
  return (["ingress", "egress"] as const).flatMap((direction) =>
    [...Map.groupBy(policy[direction] ?? [], ({ index }) => index)].flatMap(([index, parts]) => {
      const words = notEnforcedWords(parts);
      return words === null ? [] : [one(`spec.${direction}[${index}]`, words)];
    }),
  );
}

import { z } from "zod";
import type { Cidr } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read } from "../model.ts";
import type { Labels } from "../selector/syntax.ts";
import { cidrField, readWith } from "./fields.ts";

/** projectcalico.org/v3 NetworkSet (`namespace` null: GlobalNetworkSet): addresses that selectors mean by labels. */
export interface NetworkSet {
  readonly namespace: string | null;
  readonly name: string;
  readonly labels: Labels;
  readonly nets: readonly Cidr[];
}

const spec = z.strictObject({
  nets: z.array(cidrField).default([]),
  // Domains are not decided by a packet filter: no address is a member because of them.
  allowedEgressDomains: z.array(z.string()).optional(),
});

export function readNetworkSet(object: KubeObject): Read<NetworkSet> {
  const result = readWith(spec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  const { name, namespace, labels = {} } = object.metadata;
  const own = object.kind === "NetworkSet" ? (namespace ?? "default") : null;
  return { value: { namespace: own, name, labels, nets: result.value.nets } };
}

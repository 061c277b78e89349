import { z } from "zod";
import type { Cidr } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { namespaceLabel } from "../labels.ts";
import type { Problem, Read } from "../model.ts";
import type { Labels } from "../selector/syntax.ts";
import { cidrField, textLike } from "./fields.ts";
import { asAtomic, asSet } from "./openapi.ts";
import { readWith } from "./reading.ts";

/** projectcalico.org/v3 NetworkSet (`namespace` null: GlobalNetworkSet): addresses that selectors mean by labels. */
export interface NetworkSet {
  readonly namespace: string | null;
  readonly name: string;
  readonly labels: Labels;
  readonly nets: readonly Cidr[];
  /** Names whose addresses no packet filter knows: kept, not enforced. */
  readonly domains: readonly string[];
}

const domain = textLike(/^[a-zA-Z0-9_*][a-zA-Z0-9_*.-]{0,252}$/, "domain name");

export const networkSetSpec = z.strictObject({
  nets: asSet(z.array(cidrField)).optional(),
  allowedEgressDomains: asAtomic(z.array(domain)).optional(),
});

export function readNetworkSet(object: KubeObject): Read<NetworkSet> {
  const problems = labelProblems(object);
  const result = readWith(networkSetSpec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return { problems: [...problems, ...result.problems] };
  if (problems.length > 0) return { problems };
  const { name, namespace, labels = {} } = object.metadata;
  const own = object.kind === "NetworkSet" ? (namespace ?? "default") : null;
  const { nets = [], allowedEgressDomains: domains = [] } = result.value;
  return { value: { namespace: own, name, labels, nets, domains } };
}

/** The namespace of a set is where it is, not what it says. */
function labelProblems({ metadata: { labels = {} } }: KubeObject): readonly Problem[] {
  if (!Object.hasOwn(labels, namespaceLabel)) return [];
  return [{ field: `metadata.labels.${namespaceLabel}`, message: "may not be set: every set has it by itself" }];
}

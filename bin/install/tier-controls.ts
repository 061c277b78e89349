import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tierManifests } from "../../controls/tiers/manifests.ts";
import type { Api } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { readYaml } from "../../core/kube/yaml.ts";
import { builtInTiers } from "../../policy/kinds/tier.ts";

const folder = join(import.meta.dirname, "..", "..", "deploy");
const admission = "/apis/admissionregistration.k8s.io/v1";

/** Kinds of admissionregistration.k8s.io/v1 that a server has. */
export async function admissionKinds(api: Api): Promise<ReadonlySet<string>> {
  const { resources } = (await api.get(admission)) as { readonly resources: readonly { readonly kind: string }[] };
  return new Set(resources.map(({ kind }) => kind));
}

/** What makes policies be written by right of their tier: roles, admission policies, and the tiers that are always there. */
export function tierControls(served: ReadonlySet<string>): readonly KubeObject[] {
  const wanted = tierManifests.filter(({ needs }) => needs === undefined || served.has(needs));
  return [...wanted.flatMap(({ file }) => objectsOf(file)), ...builtInTiers.map(tierObject)];
}

function objectsOf(file: string): readonly KubeObject[] {
  return readYaml(readFileSync(join(folder, file), "utf8")).map(({ value }) => value as KubeObject);
}

function tierObject({ name, order, defaultAction }: (typeof builtInTiers)[number]): KubeObject {
  const spec = { order, defaultAction: defaultAction === "deny" ? "Deny" : "Pass" };
  return { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name }, spec };
}

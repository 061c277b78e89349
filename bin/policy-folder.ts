import { Argument, Option } from "commander";
import type { Config } from "../core/config.ts";
import { SluiceError } from "../core/errors.ts";
import { hint } from "../core/filter/literal.ts";
import type { ManifestFault } from "../core/kube/manifest.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import type { Namespaces } from "../policy/identity.ts";
import { policyId, policyPath } from "../policy/kind-names.ts";
import { readFact } from "../policy/kinds/read.ts";
import type { Policy, Tier } from "../policy/model.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import type { Program } from "../policy/program.ts";
import type { ProgramSettings } from "../policy/program-settings.ts";
import { type TierWithPolicies, tiersInOrder } from "../policy/tiers.ts";
import { World } from "../policy/world.ts";
import { faultText, type Place, readManifests, usualFolder } from "./folder.ts";
import { andAutomaticHosts } from "./objects/with-automatic-hosts.ts";
import type { Rim } from "./rim.ts";

/** A folder of manifests as policy sees it. */
export interface PolicyFolder {
  readonly objects: readonly KubeObject[];
  /** What is not accepted, and so is missing from all below. */
  readonly faults: readonly ManifestFault[];
  readonly world: World;
  /** All tiers in order, with their policies in order, staged ones among them. */
  readonly tiers: readonly TierWithPolicies[];
  readonly namespaces: Namespaces;
}

/** Which objects there are beside those that are written. */
type DerivedObjects = Pick<Config["objects"], "autoHostEndpoints">;

export const objectsOption = (): Option =>
  new Option(
    "--objects <folder>",
    "folder or file of Kubernetes YAML with pods and policies, - for standard input, api: or api:CONTEXT for a cluster",
  ).default(usualFolder);

/** For people who name the folder as they do to other commands. */
export const folderArgument = (): Argument => new Argument("[folder]", "the same as --objects");

/** Reads the folder and tells of what is not accepted in it. */
export async function openPolicyFolder(
  place: Place,
  rim: Pick<Rim, "note">,
  settings?: ProgramSettings,
  derived?: DerivedObjects,
): Promise<PolicyFolder> {
  const folder = await readPolicyFolder(place, settings, derived);
  for (const fault of folder.faults) rim.note(`not accepted: ${faultText(fault)}`);
  return folder;
}

export async function readPolicyFolder(
  place: Place,
  settings?: ProgramSettings,
  { autoHostEndpoints }: DerivedObjects = { autoHostEndpoints: false },
): Promise<PolicyFolder> {
  const { objects: read, faults } = await readManifests(place);
  const objects = autoHostEndpoints ? andAutomaticHosts(read) : read;
  const world = new World(settings);
  world.apply(objects.map((object) => ({ type: "upsert", object })));
  const policies: Policy[] = [];
  const tiers: Tier[] = [];
  for (const object of objects) {
    const read = readFact(object);
    if ("problems" in read) continue;
    if (read.value.type === "policy") policies.push(read.value.policy);
    else if (read.value.type === "tier") tiers.push(read.value.tier);
  }
  const namespaces = objects.filter(({ kind, apiVersion }) => kind === "Namespace" && apiVersion === "v1");
  return {
    objects,
    faults,
    world,
    tiers: tiersInOrder(tiers, policies),
    namespaces: new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
  };
}

/** The policies in force, or as if everything staged were in force. */
export function situationOf({ world }: PolicyFolder, pending: boolean): { program: Program; placement: Placement } {
  return pending ? world.pending() : { program: world.program(), placement: world.placement() };
}

/** Whom policies apply to. */
export function subjectsIn(placement: Placement): readonly Endpoint[] {
  const isSubject = ({ kind, hostNetwork }: Endpoint) => kind === "host" || (kind === "pod" && !hostNetwork);
  return [...placement.endpoints.values()].filter(isSubject);
}

/** The policy of a name: `app.web`, `shop/app.web`, `np:shop/app.web`, or a step of a flow record. Throws USAGE. */
export function policyNamed({ tiers, faults }: PolicyFolder, text: string): Policy {
  const wanted = text.replace(/^(\d+\|)?[^|]*\|([^|]+)\|.*$/, "$2");
  const all = tiers.flatMap(({ policies }) => policies);
  const found = all.filter((policy) => [policy.name, policyPath(policy), policyId(policy)].includes(wanted));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1)
    throw new SluiceError("USAGE", `"${text}" could be ${found.map(policyId).join(", ")}; write one of these`);
  const refused = faults.length > 0 ? "; it may be among what is not accepted" : "";
  throw new SluiceError("USAGE", `there is no policy "${text}" here${hintFor(wanted, all) || refused}`);
}

/** Names that have this in them or are in it; else the one that it is most like. */
function hintFor(wanted: string, all: readonly Policy[]): string {
  const near = all.filter(({ name }) => name.includes(wanted) || wanted.includes(name)).slice(0, 5);
  if (near.length > 0) return `; did you mean ${near.map(policyId).join(" or ")}?`;
  return hint(
    wanted,
    all.flatMap((policy) => [policy.name, policyPath(policy), policyId(policy)]),
  );
}

/** Throws USAGE where there is no tier of the name. */
export function checkTier({ tiers }: PolicyFolder, name: string): void {
  const names = tiers.map(({ tier }) => tier.name);
  if (!names.includes(name)) throw new SluiceError("USAGE", `there is no tier "${name}" here${hint(name, names)}`);
}

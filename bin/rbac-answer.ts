import { stringify } from "yaml";
import { type ChangingVerb, type NeededGrant, neededGrants, type PolicyTarget } from "../controls/rbac/needed.ts";
import { ruleFor } from "../controls/rbac/rules.ts";
import type { Access, MayAccess } from "../core/kube/api/access.ts";

/** Whether somebody may change a policy, and what of it is granted. Keys as `-o json` prints them. */
export interface RbacAnswer {
  readonly user: string;
  readonly groups: readonly string[];
  readonly verb: ChangingVerb;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly tier: string;
  readonly allowed: boolean;
  readonly grants: readonly AnsweredGrant[];
}

interface AnsweredGrant {
  /** `get on tiers.projectcalico.org named security` */
  readonly grant: string;
  readonly granted: boolean;
  readonly where: string;
  /** The rule of a role that would give it. */
  readonly rule: object;
}

export async function rbacAnswer(
  { user, groups }: { readonly user: string; readonly groups: readonly string[] },
  verb: ChangingVerb,
  target: PolicyTarget,
  may: MayAccess,
): Promise<RbacAnswer> {
  const { kind, namespace, name, tier } = target;
  const grants = await Promise.all(neededGrants(verb, target).map((needed) => answered(needed, namespace, may)));
  const allowed = grants.every(({ granted }) => granted);
  return { user, groups, verb, kind, namespace, name, tier, allowed, grants };
}

async function answered(
  { anyOf, isForCluster }: NeededGrant,
  namespace: string | null,
  may: MayAccess,
): Promise<AnsweredGrant> {
  const granted = (await Promise.all(anyOf.map(may))).includes(true);
  const where = isForCluster
    ? "a ClusterRole, bound by a ClusterRoleBinding"
    : `a Role of namespace ${namespace}, or a ClusterRole that is bound there`;
  return { grant: grantText(anyOf), granted, where, rule: writtenRule(anyOf[0] as Access) };
}

/** `update on tier.networkpolicies.projectcalico.org named app.* or app.web in namespace shop` */
function grantText(anyOf: readonly Access[]): string {
  const { verb, resource, group, namespace } = anyOf[0] as Access;
  const names = anyOf.flatMap(({ name }) => name ?? []);
  const named = names.length === 0 ? "" : ` named ${names.join(" or ")}`;
  return `${verb} on ${resource}.${group}${named}${namespace === undefined ? "" : ` in namespace ${namespace}`}`;
}

/** As one writes it; the verb on a kind is given for all, since tiers say which. */
function writtenRule(access: Access): object {
  const isPlain = !access.resource.startsWith("tier");
  const { resourceNames, ...rule } = ruleFor(access);
  return isPlain || resourceNames.length === 0 ? rule : { ...rule, resourceNames };
}

/** For people. */
export function rbacAnswerText({ user, verb, kind, namespace, name, tier, allowed, grants }: RbacAnswer): string {
  const path = namespace === null ? name : `${namespace}/${name}`;
  const title = `${user} ${allowed ? "may" : "may not"} ${verb} ${kind} ${path} in tier ${tier}`;
  return `${[title, ...grants.flatMap(grantLines)].join("\n")}\n`;
}

function grantLines({ grant, granted, where, rule }: AnsweredGrant): readonly string[] {
  if (granted) return [`  has    ${grant}`];
  const lines = stringify([rule]).trimEnd().split("\n");
  return [`  lacks  ${grant}`, `         to be added to ${where}:`, ...lines.map((line) => `           ${line}`)];
}

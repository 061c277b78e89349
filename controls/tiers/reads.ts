import type { Access, MayAccess, Subject } from "../../core/kube/api/access.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { defaultTier } from "../../policy/kinds/tier.ts";
import { tierGrants } from "./grants.ts";

/** What the API server asks an authorizer about (authorization.k8s.io/v1 SubjectAccessReview). */
export interface Review {
  readonly subject: Subject;
  readonly access: ReadAccess;
}

interface ReadAccess extends Access {
  readonly fieldSelector?: { readonly requirements?: readonly Requirement[] };
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Never allowed: an authorizer that allows would hand out rights that RBAC did not. */
export type Answer =
  | { readonly allowed: false }
  | { readonly allowed: false; readonly denied: true; readonly reason: string };

const noOpinion: Answer = { allowed: false };
const reading = ["get", "list", "watch"];

/** The question; undefined if it is none. A request that is about no resource is about something else. */
export function reviewOf(value: unknown): Review | undefined {
  const { spec } = (value ?? {}) as { readonly spec?: unknown };
  const { user, groups, uid, extra, resourceAttributes } = (spec ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof user !== "string" || typeof resourceAttributes !== "object" || resourceAttributes === null)
    return undefined;
  const { group, resource, verb, ...others } = resourceAttributes as ReadAccess;
  if (typeof group !== "string" || typeof resource !== "string" || typeof verb !== "string") return undefined;
  const subject = { user, groups: Array.isArray(groups) ? (groups as readonly string[]) : [] };
  return {
    subject: {
      ...subject,
      ...(uid ? { uid: String(uid) } : {}),
      ...(extra ? { extra: extra as Subject["extra"] & {} } : {}),
    },
    access: { group, resource, verb, ...others },
  };
}

/** Denies reads of policies of tiers that the reader has no rights in; of anything else RBAC decides. */
export async function judgeRead(access: ReadAccess, may: MayAccess): Promise<Answer> {
  const { group, resource, verb, name, namespace } = access;
  const isOurs = group === "projectcalico.org" && policyResources.some(({ plural }) => plural === resource);
  if (!isOurs || !reading.includes(verb)) return noOpinion;
  const tier = tierOf(access);
  const grants = tierGrants({
    verb,
    plural: resource,
    tier,
    name: name || undefined,
    namespace: namespace || undefined,
  });
  const [mayTier, ...mayPolicies] = await Promise.all([grants.tier, ...grants.policies].map(may));
  if (mayTier && mayPolicies.includes(true)) return noOpinion;
  const reason =
    tier === undefined
      ? `all tiers are asked for: name one by the field selector spec.tier=TIER`
      : `no right to ${verb} ${resource} in tier "${tier}"`;
  return { allowed: false, denied: true, reason };
}

/** By the field selector spec.tier=TIER or, of one policy, by its name, which deploy/admission/tier-names.yaml keeps honest. */
function tierOf({ resource, name, fieldSelector }: ReadAccess): string | undefined {
  if (resource === "stagedkubernetesnetworkpolicies") return defaultTier.name;
  const selected = fieldSelector?.requirements?.find(({ key, operator }) => key === "spec.tier" && operator === "In");
  if (selected?.values?.length === 1) return selected.values[0];
  if (!name) return undefined;
  return name.includes(".") ? name.slice(0, name.indexOf(".")) : defaultTier.name;
}

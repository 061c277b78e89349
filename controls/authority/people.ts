import type { Requester } from "../../core/kube/deed.ts";
import type { People } from "../../policy/kinds/change-policy.ts";

export function isAmong({ users, groups }: People, who: Pick<Requester, "user" | "groups">): boolean {
  return users.includes(who.user) || groups.some((group) => who.groups.includes(group));
}

/** Whoever acts as somebody else is who they are: the other one did nothing. */
export function whoText({ user, impersonated }: Requester): string {
  return impersonated === null ? user : `${user} (as ${impersonated})`;
}

import type { Requester } from "../../core/kube/deed.ts";
import type { People } from "../../policy/kinds/change-policy.ts";

export function isAmong({ users, groups }: People, who: Pick<Requester, "user" | "groups">): boolean {
  return users.includes(who.user) || groups.some((group) => who.groups.includes(group));
}

import type { Requester } from "../core/kube/deed.ts";

/** `ann`, `ann as system:admin`: whoever acts as somebody else is who they are. */
export function whoText({ user, impersonated }: Pick<Requester, "user" | "impersonated">): string {
  return impersonated === null ? user : `${user} as ${impersonated}`;
}

import type { Sighting } from "../../controls/evidence/sighting.ts";
import type { Deed, DeedTarget, Requester } from "../../core/kube/deed.ts";

/** What matters of a deed; the rest is that ann has patched NetworkPolicy default/web at 1000. */
export interface GivenDeed extends Partial<Omit<Deed, "target" | "who">> {
  readonly user?: string;
  readonly who?: Partial<Requester>;
  readonly target?: Partial<DeedTarget>;
}

const web = { group: "networking.k8s.io", resource: "networkpolicies", namespace: "default", name: "web", uid: "u1" };

let count = 0;

export function deed({ user = "ann", who, target, to = 1_000, ...given }: GivenDeed = {}): Deed {
  count += 1;
  return {
    id: `deed-${count}`,
    requestId: `audit-${count}`,
    toldBy: "audit",
    from: to,
    to,
    verb: "patch",
    who: { user, groups: [], impersonated: null, addresses: ["10.0.0.1"], userAgent: null, fieldManager: null, ...who },
    target: { ...web, version: "v1", subresource: null, resourceVersion: "2", ...target },
    refusal: null,
    tier: null,
    content: null,
    ...given,
  };
}

export function sighting(given: Omit<Partial<Sighting>, "target"> & { readonly target?: object } = {}): Sighting {
  const { target, ...rest } = given;
  const base = { verb: "update", resourceVersion: "2", after: null, since: 0, foundAt: 1_100 } as const;
  return { ...base, ...rest, target: { ...web, ...target } };
}

/**
 * A request to change an object, as the API server tells of it: who asked, for what, and what came of it. It says nothing of what was
 * changed; that is seen by list and watch.
 */
export interface Deed {
  /** Of all that makes it one: told twice, it is the same. */
  readonly id: string;
  /** What the API server calls it. Clients may choose it, so it identifies nothing. */
  readonly requestId: string;
  /** `admission`: it was about to be done, and may have failed after all. Only the impersonated user is known then. */
  readonly toldBy: "audit" | "admission";
  /** When it came in, and when it was answered (admission: asked about); milliseconds since the epoch, by the API server's clock. */
  readonly from: number;
  readonly to: number;
  readonly verb: DeedVerb;
  readonly who: Requester;
  readonly target: DeedTarget;
  /** Null: it was done. */
  readonly refusal: Refusal | null;
  /** The tier, where admission noted it. */
  readonly tier: string | null;
  /** Of what the object became, where that is told but not its resourceVersion: `contentDigest`. */
  readonly content: string | null;
}

export type DeedVerb = "create" | "update" | "patch" | "delete";

export interface Requester {
  /** Who proved to be it. */
  readonly user: string;
  readonly groups: readonly string[];
  /** As whom they acted, if they asked to act as somebody else. */
  readonly impersonated: string | null;
  /** As in `X-Forwarded-For`; only the last one is not the client's own word. */
  readonly addresses: readonly string[];
  readonly userAgent: string | null;
  readonly fieldManager: string | null;
}

export interface DeedTarget {
  /** "" is the core group. */
  readonly group: string;
  readonly version: string;
  /** `networkpolicies` */
  readonly resource: string;
  readonly subresource: string | null;
  readonly namespace: string | null;
  /** Null: objects without a name as yet, or many of them. */
  readonly name: string | null;
  readonly uid: string | null;
  /** What the object had afterwards. */
  readonly resourceVersion: string | null;
}

export interface Refusal {
  /** `forbidden`: by authorization. `admission`: by an admission policy or webhook. */
  readonly by: "forbidden" | "admission";
  readonly code: number;
  readonly message: string;
  /** JSON of what was asked for, where it was told and is not too long. */
  readonly asked: string | null;
}

/** Names an object whatever version it was asked for by: `projectcalico.org/networkpolicies/prod/app.web`. */
export function targetKey({
  group,
  resource,
  namespace,
  name,
}: Pick<DeedTarget, "group" | "resource" | "namespace" | "name">): string {
  return [group, resource, namespace ?? "", name ?? ""].join("/");
}

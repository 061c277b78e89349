import type { Api } from "./api.ts";

/** Whoever asks the API server for something. */
export interface Subject {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** What authenticators said besides. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

const accountPattern = /^system:serviceaccount:([^:]+):[^:]+$/;

/** With the groups that the API server puts everybody in whom it knows, and service accounts. */
export function subjectOf(user: string, groups: readonly string[]): Subject {
  const [, namespace] = accountPattern.exec(user) ?? [];
  const ofAccounts = namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
  return { user, groups: [...new Set([...groups, ...ofAccounts, "system:authenticated"])] };
}

/** What is asked for, as RBAC sees it. */
export interface Access {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly subresource?: string;
  /** Without it: any, which a rule with resourceNames does not grant. */
  readonly name?: string;
  /** Without it: in all namespaces, or of a resource that is in none. */
  readonly namespace?: string;
}

/** Whether somebody may. */
export type MayAccess = (access: Access) => Promise<boolean>;

const reviews = "/apis/authorization.k8s.io/v1";

/**
 * As the API server sees it, whatever decides there; needs create on subjectaccessreviews. `self` is whoever the connection acts as, and needs no
 * right. Throws ApiError: who cannot be sure must refuse.
 */
export function accessOf(api: Pick<Api, "send">, subject: Subject | "self"): MayAccess {
  const path = subject === "self" ? `${reviews}/selfsubjectaccessreviews` : `${reviews}/subjectaccessreviews`;
  const who = subject === "self" ? {} : subject;
  return async (resourceAttributes) => {
    const answer = await api.send("POST", path, { body: { spec: { ...who, resourceAttributes } } });
    const { allowed } = (answer as { readonly status?: { readonly allowed?: unknown } }).status ?? {};
    return allowed === true;
  };
}

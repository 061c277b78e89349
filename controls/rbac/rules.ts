import type { Access } from "../../core/kube/api/access.ts";
import type { KubeObject } from "../../core/kube/objects.ts";

// RBAC as its objects say it (rbac.authorization.k8s.io/v1). Other authorizers of a cluster may say otherwise: whoever must be sure asks the API
// server.

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly verbs: readonly string[];
}

/** Somebody, and what one binding gives: `User ann`, `Group web-team`, `ServiceAccount gitops/argo`. */
export interface Grant {
  readonly subject: string;
  /** Null: in all, and of what is in none. */
  readonly namespace: string | null;
  readonly rules: readonly PolicyRule[];
}

/** Whether a rule gives this. As k8s.io/component-helpers/auth/rbac/validation. */
export function ruleAllows(rule: PolicyRule, { group, resource, verb, name }: Access): boolean {
  const has = (list: readonly string[], wanted: string) => list.includes(wanted) || list.includes("*");
  const isNamed = rule.resourceNames.length === 0 || (name !== undefined && rule.resourceNames.includes(name));
  return isNamed && has(rule.apiGroups, group) && has(rule.resources, resource) && has(rule.verbs, verb);
}

/** The rule that gives this, and no more. */
export function ruleFor({ group, resource, verb, name }: Access): PolicyRule {
  return { apiGroups: [group], resources: [resource], resourceNames: name === undefined ? [] : [name], verbs: [verb] };
}

/** What bindings give to whom; bindings of roles that are not there give nothing. */
export function grantsOf(objects: readonly KubeObject[]): readonly Grant[] {
  const ofRbac = objects.filter(({ apiVersion }) => apiVersion.startsWith("rbac.authorization.k8s.io/"));
  const roles = new Map(
    ofRbac.filter(({ kind }) => kind.endsWith("Role")).map((role) => [roleKey(role), rulesOf(role)]),
  );
  return ofRbac.flatMap((binding) => {
    if (!binding.kind.endsWith("Binding")) return [];
    const namespace = binding.kind === "RoleBinding" ? (binding.metadata.namespace ?? "default") : null;
    const { kind, name } = asRecord(binding["roleRef"]);
    const rules = roles.get(kind === "Role" ? `Role ${namespace}/${name}` : `ClusterRole ${name}`) ?? [];
    return listOf(binding["subjects"]).map((subject) => ({
      subject: subjectText(asRecord(subject)),
      namespace,
      rules,
    }));
  });
}

function roleKey({ kind, metadata: { namespace = "default", name } }: KubeObject): string {
  return kind === "Role" ? `Role ${namespace}/${name}` : `ClusterRole ${name}`;
}

function rulesOf({ rules }: KubeObject): readonly PolicyRule[] {
  return listOf(rules).map((rule) => {
    const { apiGroups, resources, resourceNames, verbs } = asRecord(rule);
    return {
      apiGroups: textsOf(apiGroups),
      resources: textsOf(resources),
      resourceNames: textsOf(resourceNames),
      verbs: textsOf(verbs),
    };
  });
}

function subjectText({ kind, namespace, name }: Readonly<Record<string, unknown>>): string {
  return kind === "ServiceAccount" ? `ServiceAccount ${namespace}/${name}` : `${kind} ${name}`;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textsOf = (value: unknown): readonly string[] => listOf(value).map(String);
const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

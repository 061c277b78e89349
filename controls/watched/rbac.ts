import { within } from "../../core/kube/field.ts";
import type { KubeObject } from "../../core/kube/objects.ts";

/** What a right to write it lets somebody change about what is protected, by API group. */
const guarded: ReadonlyMap<string, ReadonlySet<string> | "all"> = new Map<string, ReadonlySet<string> | "all">([
  ["projectcalico.org", "all"],
  ["controls.sluice.dev", "all"],
  ["policy.networking.k8s.io", "all"],
  ["networking.k8s.io", new Set(["networkpolicies"])],
  ["admissionregistration.k8s.io", "all"],
  ["apiextensions.k8s.io", new Set(["customresourcedefinitions"])],
  ["rbac.authorization.k8s.io", "all"],
]);

const reading: ReadonlySet<string> = new Set(["get", "list", "watch"]);

/** Whether a Role or ClusterRole lets somebody write what is guarded, or is put together of roles that nobody sees here. */
export function touchesControls(role: KubeObject): boolean {
  return role["aggregationRule"] !== undefined || texts(role["rules"]).some(ruleTouches);
}

function ruleTouches(rule: unknown): boolean {
  const [groups, resources, verbs] = ["apiGroups", "resources", "verbs"].map((field) => texts(within(rule, field)));
  if (!verbs?.some((verb) => !reading.has(String(verb)))) return false;
  const kinds = (resources ?? []).map((resource) => String(resource));
  return [...guarded].some(
    ([group, of]) =>
      groups?.some((one) => one === "*" || one === group) === true &&
      kinds.some((kind) => kind === "*" || of === "all" || of.has(kind.split("/")[0] as string)),
  );
}

const texts = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

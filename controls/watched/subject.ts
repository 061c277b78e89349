import { textIn, within } from "../../core/kube/field.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { isAutomatic } from "../../policy/automatic-hosts.ts";
import { ownLabels } from "../../policy/crd.ts";
import { groupOf } from "./resource-name.ts";

/** What an object is, of the things that decide what is protected, how, and who is told. */
export type Subject =
  | "policy"
  | "tier"
  | "networks"
  | "host"
  | "taxonomy"
  | "alert"
  | "report"
  | "config"
  | "admission"
  | "webhook"
  | "crd"
  | "rbac"
  | "guard";

interface Row {
  readonly subject: Subject;
  readonly group: string;
  readonly kind: RegExp;
  /** Of all of that kind, these. */
  readonly isMeant?: (object: KubeObject) => boolean;
}

const ourGroups: ReadonlySet<string> = new Set([
  "projectcalico.org",
  "controls.sluice.dev",
  "policy.networking.k8s.io",
]);

/** Everything that the product itself is made of carries this label: its workloads, their pods, its ConfigMaps. */
const isOurs = ({ metadata: { labels } }: KubeObject): boolean =>
  Object.entries(ownLabels).every(([name, value]) => labels?.[name] === value);

const isOfOurGroups = (crd: KubeObject): boolean => ourGroups.has(textIn(crd["spec"], "group") ?? "");

/** The first that fits counts. Of Roles and their bindings all, since whether they matter is a question of both (rbac.ts). */
const rows: readonly Row[] = [
  { subject: "policy", group: "projectcalico.org", kind: /^(Staged)?(Global|Kubernetes)?NetworkPolicy$/ },
  { subject: "policy", group: "networking.k8s.io", kind: /^NetworkPolicy$/ },
  { subject: "policy", group: "policy.networking.k8s.io", kind: /NetworkPolicy$/ },
  { subject: "tier", group: "projectcalico.org", kind: /^Tier$/ },
  { subject: "networks", group: "projectcalico.org", kind: /^(Global)?NetworkSet$/ },
  { subject: "host", group: "projectcalico.org", kind: /^HostEndpoint$/ },
  { subject: "taxonomy", group: "controls.sluice.dev", kind: /Taxonomy$/ },
  { subject: "alert", group: "projectcalico.org", kind: /^GlobalAlert(Template)?$/ },
  { subject: "report", group: "projectcalico.org", kind: /^GlobalReport(Type)?$/ },
  { subject: "alert", group: "controls.sluice.dev", kind: /Alert|Silence|Exception/ },
  { subject: "report", group: "controls.sluice.dev", kind: /Report/ },
  { subject: "config", group: "controls.sluice.dev", kind: /./ },
  { subject: "config", group: "", kind: /^ConfigMap$/, isMeant: isOurs },
  { subject: "admission", group: "admissionregistration.k8s.io", kind: /AdmissionPolicy(Binding)?$/ },
  { subject: "webhook", group: "admissionregistration.k8s.io", kind: /WebhookConfiguration$/ },
  { subject: "crd", group: "apiextensions.k8s.io", kind: /^CustomResourceDefinition$/, isMeant: isOfOurGroups },
  { subject: "rbac", group: "rbac.authorization.k8s.io", kind: /^(Cluster)?Role(Binding)?$/ },
  { subject: "guard", group: "apps", kind: /^(DaemonSet|Deployment|StatefulSet)$/, isMeant: isOurs },
  { subject: "guard", group: "", kind: /^Pod$/, isMeant: isOurs },
];

export function subjectOf(object: KubeObject): Subject | null {
  if (isAutomatic(object)) return null;
  const group = groupOf(object.apiVersion);
  const row = rows.find((row) => row.group === group && row.kind.test(object.kind) && row.isMeant?.(object) !== false);
  return row?.subject ?? null;
}

/** Whether what it says decides about connections: others have no effect to be worked out. */
export function decidesConnections(subject: Subject | "labels"): boolean {
  return ["policy", "tier", "networks", "host", "labels"].includes(subject);
}

/** The key of the role that a binding gives to somebody, as `keyOf` has it; null for what is no binding. */
export function boundRole(object: KubeObject): string | null {
  if (!object.kind.endsWith("RoleBinding")) return null;
  const [kind, name] = [textIn(object["roleRef"], "kind"), textIn(object["roleRef"], "name")];
  const namespace = kind === "Role" ? [String(within(object.metadata, "namespace"))] : [];
  return [object.apiVersion, String(kind), ...namespace, String(name)].join("/");
}

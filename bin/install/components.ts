import type { Api } from "../../core/kube/api/api.ts";
import { ownLabels } from "../../policy/crd.ts";
import { find } from "./cluster.ts";
import { type Foreign, ownDefinitions } from "./foreign.ts";
import { isEstablished } from "./served.ts";

/** Whether a part of an installation works. */
export interface ComponentState {
  /** `node`, `enrich`; `kinds` are the definitions. */
  readonly component: string;
  readonly kind: "CustomResourceDefinition" | "DaemonSet" | "Deployment";
  /** How many there should be, how many of them are of the current version, and how many do their work. */
  readonly wanted: number;
  readonly current: number;
  readonly ready: number;
  readonly image: string | null;
}

export function isWell({ wanted, current, ready }: ComponentState): boolean {
  return current >= wanted && ready >= wanted;
}

interface Workload {
  readonly metadata: { readonly generation: number; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly replicas?: number;
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
  readonly status?: Readonly<Partial<Record<StatusField, number>>>;
}

type StatusField =
  | "observedGeneration"
  | "desiredNumberScheduled"
  | "updatedNumberScheduled"
  | "numberReady"
  | "updatedReplicas"
  | "readyReplicas";

/** Of what is in this namespace, in the order of their names; kinds first. */
export async function componentsIn(api: Api, namespace: string, foreign: Foreign): Promise<readonly ComponentState[]> {
  const labelSelector = Object.entries(ownLabels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  const listed = async (plural: string) => {
    const list = await api.get(`/apis/apps/v1/namespaces/${namespace}/${plural}`, { query: { labelSelector } });
    return (list as { readonly items: readonly Workload[] }).items;
  };
  const [kinds, daemonSets, deployments] = await Promise.all([
    kindsState(api, foreign),
    listed("daemonsets"),
    listed("deployments"),
  ]);
  const workloads = [...daemonSets.map(daemonSetState), ...deployments.map(deploymentState)];
  return [kinds, ...workloads.sort((a, b) => (a.component < b.component ? -1 : 1))];
}

async function kindsState(api: Api, foreign: Foreign): Promise<ComponentState> {
  const all = ownDefinitions(foreign);
  const found = await Promise.all(all.map((definition) => find(api, definition)));
  const ready = found.filter(isEstablished);
  return {
    ...{ component: "kinds", kind: "CustomResourceDefinition", image: null },
    ...{ wanted: all.length, current: ready.length, ready: ready.length },
  };
}

/** Numbers of a generation that its controller has not seen yet say nothing. */
function numbersOf({ metadata, status = {} }: Workload): NonNullable<Workload["status"]> {
  return (status.observedGeneration ?? 0) >= metadata.generation ? status : {};
}

function daemonSetState(workload: Workload): ComponentState {
  const { desiredNumberScheduled, updatedNumberScheduled = 0, numberReady = 0 } = numbersOf(workload);
  const numbers = { wanted: desiredNumberScheduled ?? 1, current: updatedNumberScheduled, ready: numberReady };
  return { ...identityOf(workload), kind: "DaemonSet", ...numbers };
}

function deploymentState(workload: Workload): ComponentState {
  const { updatedReplicas = 0, readyReplicas = 0 } = numbersOf(workload);
  const numbers = { wanted: workload.spec.replicas ?? 1, current: updatedReplicas, ready: readyReplicas };
  return { ...identityOf(workload), kind: "Deployment", ...numbers };
}

function identityOf({ metadata, spec }: Workload): Pick<ComponentState, "component" | "image"> {
  return {
    component: metadata.labels["app.kubernetes.io/component"] ?? "",
    image: spec.template.spec.containers[0]?.image ?? null,
  };
}

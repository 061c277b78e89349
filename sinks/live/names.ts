import type { Flow, FlowEndpoint } from "../../core/records/flow.ts";
import { clean } from "./text.ts";

/** Names of IANA protocol numbers that clusters meet. */
const protocols: Readonly<Record<number, string>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "icmpv6",
  132: "sctp",
};

/** `dev-shop/web-1`, `node/node-1`, `203.0.113.9`, `10.1.0.9 (unknown)`. */
export function sourceName(flow: Flow): string {
  return clean(endpointName(flow.source, flow.sourceAddress));
}

/** `prod-shop/api-0`, `[2001:db8::1]`, or of an address outside the name that was asked for; `portText` follows it. */
export function destinationName(flow: Flow): string {
  const isOutside = flow.destination?.kind === "network" || flow.destination === null;
  if (isOutside && flow.destinationDomain !== null) return clean(flow.destinationDomain);
  return clean(hostName(flow.destination, flow.destinationAddress));
}

/** `api` if the client aimed at this Service, `other/api` if that is of another namespace than who answers; else empty. */
export function serviceName({ service, destination }: Flow): string {
  if (service === null) return "";
  return clean(service.namespace === destination?.namespace ? service.name : `${service.namespace}/${service.name}`);
}

/** Who keeps making and answering such connections: `dev-shop/web`, else as the endpoint's name. */
export function workloadName(endpoint: FlowEndpoint | null, address: string): string {
  if (endpoint?.kind !== "pod" || endpoint.workload === null) return clean(hostName(endpoint, address));
  return clean(`${endpoint.namespace}/${endpoint.workload}`);
}

/** `:8080/tcp`, `/icmp 8` (the type). */
export function portText({ protocol, destinationPort, icmp }: Flow): string {
  const name = protocols[protocol] ?? `protocol ${protocol}`;
  if (icmp !== null) return `/${name} ${icmp.type}`;
  return destinationPort === 0 ? `/${name}` : `:${destinationPort}/${name}`;
}

/** Labels that controllers write for themselves, or that repeat the name. */
const machinery = new Set([
  "controller-revision-hash",
  "controller-uid",
  "job-name",
  "pod-template-generation",
  "pod-template-hash",
  "rollouts-pod-template-hash",
]);

/** As kubectl abbreviates them. */
const kinds: Readonly<Record<string, string>> = {
  CronJob: "cj",
  DaemonSet: "ds",
  Deployment: "deploy",
  Job: "job",
  Pod: "pod",
  ReplicaSet: "rs",
  StatefulSet: "sts",
};

/** `deploy/web app=web env=dev`; empty where there is nothing to tell. */
export function identityText(endpoint: FlowEndpoint | null): string {
  if (endpoint === null) return "";
  const labels = Object.entries(endpoint.labels)
    .filter(([key]) => !machinery.has(key) && !isOfKubernetes(key))
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  const kind = endpoint.workloadKind ?? "";
  const workload = endpoint.workload === null ? [] : [`${kinds[kind] ?? kind}/${endpoint.workload}`];
  return clean([...workload, ...labels].join(" "));
}

/** `kubernetes.io/hostname` and the like; but `app.kubernetes.io/name` is the users' own. */
function isOfKubernetes(key: string): boolean {
  const domain = key.slice(0, Math.max(0, key.indexOf("/")));
  return /(^|\.)(kubernetes|k8s)\.io$/.test(domain) && domain !== "app.kubernetes.io";
}

function endpointName(endpoint: FlowEndpoint | null, address: string): string {
  if (!isNamed(endpoint)) return address + suffixOf(endpoint);
  // Of an end that its reader may not see a name is missing.
  const name = endpoint.name ?? endpoint.workload ?? "*";
  return endpoint.kind === "pod" ? `${endpoint.namespace}/${name}` : `${endpoint.kind}/${name}`;
}

/** An IPv6 address in brackets, so that a port may follow. */
function hostName(endpoint: FlowEndpoint | null, address: string): string {
  if (isNamed(endpoint) || !address.includes(":")) return endpointName(endpoint, address);
  return `[${address}]${suffixOf(endpoint)}`;
}

function isNamed(endpoint: FlowEndpoint | null): endpoint is FlowEndpoint {
  return endpoint !== null && ["pod", "node", "host"].includes(endpoint.kind);
}

function suffixOf(endpoint: FlowEndpoint | null): string {
  return endpoint?.kind === "unknown" ? " (unknown)" : "";
}

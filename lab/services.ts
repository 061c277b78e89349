import { type Address, compareAddresses, type Family, familyOf } from "../core/address.ts";
import type { PodObject, Protocol, ServiceObject, ServicePort } from "./objects.ts";

/** One address and port of a Service and the pods behind it, all of one family. */
export interface Frontend {
  readonly service: string;
  readonly family: Family;
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
  /** Sorted. Empty: no pod is ready. */
  readonly backends: readonly Backend[];
}

export interface Backend {
  readonly address: Address;
  readonly port: number;
}

/** What kube-proxy computes from Services and EndpointSlices, without the slices: pods are few here. */
export function frontendsOf(services: readonly ServiceObject[], pods: readonly PodObject[]): Frontend[] {
  return services.flatMap((service) => {
    const behind = pods.filter((pod) => pod.ready && selects(service, pod));
    return service.addresses.flatMap((address) =>
      service.ports.map((port) => ({
        service: `${service.namespace}/${service.name}`,
        family: familyOf(address),
        address,
        protocol: port.protocol,
        port: port.port,
        backends: backendsOf(behind, port, familyOf(address)),
      })),
    );
  });
}

/** A Service without selector has no pods of its own choosing. */
function selects(service: ServiceObject, pod: PodObject): boolean {
  if (service.selector === undefined || service.namespace !== pod.namespace) return false;
  return Object.entries(service.selector).every(([key, value]) => pod.labels[key] === value);
}

function backendsOf(pods: readonly PodObject[], { target, protocol }: ServicePort, family: Family): Backend[] {
  const found: Backend[] = [];
  for (const pod of pods) {
    const port = typeof target === "number" ? target : namedPort(pod, target, protocol);
    const address = pod.addresses.find((candidate) => familyOf(candidate) === family);
    if (port !== undefined && address !== undefined) found.push({ address, port });
  }
  return found.sort((a, b) => compareAddresses(a.address, b.address) || a.port - b.port);
}

function namedPort(pod: PodObject, name: string, protocol: Protocol): number | undefined {
  return pod.ports.find((port) => port.name === name && port.protocol === protocol)?.port;
}

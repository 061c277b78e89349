import { z } from "zod";
import { type Address, familyOf, parseAddress, parseCidr } from "../core/address.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import type { KubeObject } from "../core/kube/objects.ts";

/**
 * The parts of Node, Pod and Service that decide how packets go. Everything else in the manifests is the product's business
 * and passes unread.
 */
export interface NodeObject {
  readonly name: string;
  readonly podCidrs: readonly string[];
  /** InternalIP addresses, at most one a family. */
  readonly addresses: readonly Address[];
}

export interface PodObject {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly hostNetwork: boolean;
  /** Empty for a pod on the host network that does not say its addresses. */
  readonly addresses: readonly Address[];
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly ContainerPort[];
  readonly ready: boolean;
}

export interface ContainerPort {
  readonly name?: string | undefined;
  readonly port: number;
  readonly protocol: Protocol;
}

export interface ServiceObject {
  readonly namespace: string;
  readonly name: string;
  /** Empty for a headless Service. */
  readonly addresses: readonly Address[];
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly ports: readonly ServicePort[];
}

export interface ServicePort {
  readonly port: number;
  readonly protocol: Protocol;
  /** Number, or name of a container port. */
  readonly target: number | string;
}

export type Protocol = "TCP" | "UDP" | "SCTP";

/** Reads a Node. Throws MANIFEST_INVALID naming object and field, like the two below. */
export function readNode(object: KubeObject): NodeObject {
  const { metadata, spec, status } = parse(nodeSchema, object);
  const internal = status.addresses.filter(({ type }) => type === "InternalIP").map((entry) => entry.address);
  if (internal.length === 0) throw invalid(object, "status.addresses", "has no InternalIP");
  const podCidrs = spec.podCIDRs ?? (spec.podCIDR === undefined ? [] : [spec.podCIDR]);
  return { name: metadata.name, podCidrs, addresses: onePerFamily(object, "status.addresses", internal) };
}

/** Reads a Pod, or nothing if it has ended and holds its address no more. */
export function readPod(object: KubeObject): PodObject | undefined {
  const { metadata, spec, status } = parse(podSchema, object);
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return undefined;
  const addresses = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP === undefined ? [] : [status.podIP]);
  if (addresses.length === 0 && !spec.hostNetwork) throw invalid(object, "status.podIP", "is missing");
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    node: spec.nodeName,
    hostNetwork: spec.hostNetwork,
    addresses: onePerFamily(object, "status.podIPs", addresses),
    labels: metadata.labels,
    ports: spec.containers.flatMap(({ ports }) => ports),
    ready:
      metadata.deletionTimestamp === undefined &&
      !status?.conditions?.some(({ type, status }) => type === "Ready" && status !== "True"),
  };
}

/** Reads a Service. */
export function readService(object: KubeObject): ServiceObject {
  const { metadata, spec } = parse(serviceSchema, object);
  const given = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const addresses = given.filter((address) => address !== "None" && address !== "");
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    addresses: addresses.map((address) => readAddress(object, "spec.clusterIPs", address)),
    selector: spec.selector,
    ports: spec.ports.map(({ port, protocol, targetPort }) => ({ port, protocol, target: targetPort ?? port })),
  };
}

/** The error for a fault in one field of an object. */
export function invalid(object: KubeObject, field: string, fault: string): SluiceError {
  const { name, namespace } = object.metadata;
  const title = `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
  return new SluiceError("MANIFEST_INVALID", `${title}: ${field} ${fault}`, { context: { object: title, field } });
}

const text = z.string().min(1);
const portNumber = z.int().min(1).max(65535);
const protocol = z.enum(["TCP", "UDP", "SCTP"]).default("TCP");
const labels = z.record(z.string(), z.string()).default({});
const cidr = z.string().refine(accepts(parseCidr), "is no CIDR");
const namespaced = z.object({ name: text, namespace: text.default("default") });

const nodeSchema = z.object({
  metadata: z.object({ name: text }),
  spec: z.object({ podCIDR: cidr.optional(), podCIDRs: z.array(cidr).optional() }).default({}),
  status: z.object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })) }),
});

const containerPort = z
  .object({ name: text.optional(), containerPort: portNumber, protocol })
  .transform(({ name, containerPort, protocol }) => ({ name, port: containerPort, protocol }));

const podSchema = z.object({
  metadata: namespaced.extend({ labels, deletionTimestamp: z.string().optional() }),
  spec: z.object({
    nodeName: text,
    hostNetwork: z.boolean().default(false),
    containers: z.array(z.object({ ports: z.array(containerPort).default([]) })).default([]),
  }),
  status: z
    .object({
      phase: z.string().optional(),
      podIP: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string() })).optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
    })
    .optional(),
});

const servicePort = z.object({
  port: portNumber,
  protocol,
  targetPort: z.union([portNumber, text]).optional(),
});

const serviceSchema = z.object({
  metadata: namespaced,
  spec: z.object({
    clusterIP: z.string().optional(),
    clusterIPs: z.array(z.string()).optional(),
    selector: z.record(z.string(), z.string()).optional(),
    ports: z.array(servicePort).default([]),
  }),
});

function parse<S extends z.ZodType>(schema: S, object: KubeObject): z.infer<S> {
  const result = schema.safeParse(object);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalid(object, issue?.path.join(".") ?? "", `is not accepted: ${issue?.message ?? "unknown fault"}`);
}

function onePerFamily(object: KubeObject, field: string, texts: readonly string[]): Address[] {
  const addresses = texts.map((entry) => readAddress(object, field, entry));
  const families = new Set(addresses.map(familyOf));
  if (families.size < addresses.length) throw invalid(object, field, "names two addresses of one family");
  return addresses;
}

function readAddress(object: KubeObject, field: string, value: string): Address {
  try {
    return parseAddress(value);
  } catch (thrown) {
    throw invalid(object, field, `is not accepted: ${messageOf(thrown)}`);
  }
}

function accepts(read: (text: string) => unknown): (text: string) => boolean {
  return (value) => {
    try {
      read(value);
      return true;
    } catch {
      return false;
    }
  };
}

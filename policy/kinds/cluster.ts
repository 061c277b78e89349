import { z } from "zod";
import { type Address, type Cidr, tryParseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read } from "../model.ts";
import type { NamedPort } from "../placement.ts";
import { protocolNumber } from "../protocol.ts";
import type { Labels } from "../selector/syntax.ts";
import { cidrField } from "./fields.ts";
import { type Container, isPlainPod, type PodParts } from "./plain-pod.ts";
import { readWith } from "./reading.ts";

/** A pod as policy sees it. One that has ended has no addresses any more. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  readonly node: string | null;
  readonly hostNetwork: boolean;
  readonly addresses: readonly Address[];
  readonly ports: readonly NamedPort[];
  /** As Kubernetes writes it; empty if it is not told. */
  readonly createdAt: string;
  /** It is being deleted. */
  readonly ending: boolean;
}

export interface Node {
  readonly name: string;
  readonly labels: Labels;
  readonly addresses: readonly Address[];
  /** Where its pods get their addresses from. */
  readonly podCidrs: readonly Cidr[];
}

// Loose: a pod has many fields that policy does not look at.
const container = z.object({
  ports: z
    .array(z.object({ name: z.string().optional(), containerPort: z.int(), protocol: z.string().optional() }))
    .optional(),
});
const podShape = z.object({
  spec: z
    .object({
      nodeName: z.string().optional(),
      hostNetwork: z.boolean().optional(),
      serviceAccountName: z.string().optional(),
      containers: z.array(container).optional(),
      initContainers: z.array(container).optional(),
    })
    .prefault({}),
  status: z
    .object({
      phase: z.string().optional(),
      podIP: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string() })).optional(),
    })
    .optional(),
});

const nodeShape = z.object({
  spec: z.object({ podCIDR: cidrField.optional(), podCIDRs: z.array(cidrField).optional() }).optional(),
  status: z.object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })).optional() }).optional(),
});

export function readPod(object: KubeObject): Read<Pod> {
  const parts = { spec: object["spec"], status: object["status"] };
  if (isPlainPod(parts)) return { value: podOf(object, parts) };
  const read = readWith(podShape, parts, "");
  return "problems" in read ? read : { value: podOf(object, read.value) };
}

function podOf({ metadata }: KubeObject, { spec, status }: PodParts): Pod {
  const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
  return {
    namespace: metadata.namespace ?? "default",
    name: metadata.name,
    labels: metadata.labels ?? {},
    serviceAccount: spec.serviceAccountName ?? "default",
    // One that has ended is nowhere: without an address, it is none that a node has to expect.
    node: ended ? null : (spec.nodeName ?? null),
    hostNetwork: spec.hostNetwork ?? false,
    addresses: ended ? [] : addressesOf(addressTexts(status)),
    createdAt: metadata.creationTimestamp ?? "",
    ending: metadata.deletionTimestamp !== undefined,
    ports: namedPorts([...(spec.initContainers ?? []), ...(spec.containers ?? [])]),
  };
}

export function readNode(object: KubeObject): Read<Node> {
  const read = readWith(nodeShape, { spec: object["spec"], status: object["status"] }, "");
  if ("problems" in read) return read;
  const listed = read.value.status?.addresses ?? [];
  const texts = listed.filter(({ type }) => type.endsWith("IP")).map(({ address }) => address);
  const { podCIDR, podCIDRs } = read.value.spec ?? {};
  const podCidrs = podCIDRs?.length ? podCIDRs : podCIDR ? [podCIDR] : [];
  return {
    value: {
      name: object.metadata.name,
      labels: object.metadata.labels ?? {},
      addresses: addressesOf(texts),
      podCidrs,
    },
  };
}

function addressTexts(status: PodParts["status"]): readonly string[] {
  const texts = (status?.podIPs ?? []).map(({ ip }) => ip);
  if (status?.podIP && !texts.includes(status.podIP)) texts.push(status.podIP);
  return texts;
}

function namedPorts(containers: readonly Container[]): readonly NamedPort[] {
  const named: NamedPort[] = [];
  for (const { ports = [] } of containers)
    for (const { name, containerPort, protocol = "TCP" } of ports) {
      const number = protocolNumber(protocol);
      if (name !== undefined && number !== undefined) named.push({ name, protocol: number, port: containerPort });
    }
  return named;
}

function addressesOf(texts: readonly string[]): readonly Address[] {
  const [first, ...others] = texts.map(tryParseAddress);
  // A list that grew has room for 16 more: of 50,000 that is 7 MB.
  if (others.length === 0) return first === undefined ? none : [first];
  return [...new Set([first, ...others].filter((address) => address !== undefined))];
}

const none = [] as const;

import { z } from "zod";
import { type Address, type Cidr, tryParseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read } from "../model.ts";
import type { NamedPort } from "../placement.ts";
import { protocolNumber } from "../protocol.ts";
import type { Labels } from "../selector/syntax.ts";
import { cidrField } from "./fields.ts";
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
    .array(z.object({ name: z.string().optional(), containerPort: z.int(), protocol: z.string().default("TCP") }))
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
  const read = readWith(podShape, { spec: object["spec"], status: object["status"] }, "");
  if ("problems" in read) return read;
  const { spec, status } = read.value;
  const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
  const texts = ended ? [] : [...(status?.podIPs?.map(({ ip }) => ip) ?? []), ...(status?.podIP ? [status.podIP] : [])];
  return {
    value: {
      namespace: object.metadata.namespace ?? "default",
      name: object.metadata.name,
      labels: object.metadata.labels ?? {},
      serviceAccount: spec.serviceAccountName ?? "default",
      // One that has ended is nowhere: without an address, it is none that a node has to expect.
      node: ended ? null : (spec.nodeName ?? null),
      hostNetwork: spec.hostNetwork ?? false,
      addresses: addressesOf(texts),
      createdAt: object.metadata.creationTimestamp ?? "",
      ending: object.metadata.deletionTimestamp !== undefined,
      ports: [...(spec.initContainers ?? []), ...(spec.containers ?? [])].flatMap(namedPorts),
    },
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

function namedPorts({ ports }: z.output<typeof container>): readonly NamedPort[] {
  return (ports ?? []).flatMap(({ name, containerPort, protocol }) => {
    const number = protocolNumber(protocol);
    return name === undefined || number === undefined ? [] : [{ name, protocol: number, port: containerPort }];
  });
}

function addressesOf(texts: readonly string[]): readonly Address[] {
  return [...new Set(texts.map(tryParseAddress).filter((address) => address !== undefined))];
}

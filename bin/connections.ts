import { type Address, type Family, familyOf, tryParseAddress } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import { hint } from "../core/filter/literal.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import { hasPorts } from "../policy/protocol.ts";
import type { Packet } from "../policy/verdict.ts";
import { addressesOf, backendsOf, serviceAt } from "./service-backends.ts";

/** A connection that somebody asks about. */
export interface Question {
  readonly from: string;
  readonly to: string;
  /** Destination port; ICMP type, where null is an echo request; null for protocols without either. */
  readonly port: number | null;
  readonly protocol: number;
  readonly family: Family | null;
}

/** One that it means: to one of the pods behind a Service, say. */
export interface Connection {
  readonly from: string;
  readonly to: string;
  /** Where the packet goes in the end, so of a Service the port of the pod; or the ICMP type. */
  readonly port: number | null;
  readonly packet: Packet;
}

interface End {
  readonly label: string;
  readonly address: Address;
  readonly port: number | null;
  /** Where it is; null: outside, or not known. */
  readonly node: string | null;
}

/** All connections that a question means; at least one. Throws USAGE for names that mean nothing. */
export function connectionsOf(
  placement: Placement,
  objects: readonly KubeObject[],
  question: Question,
): readonly Connection[] {
  const endpoints = [...placement.endpoints.values()].filter(({ kind }) => kind === "pod" || kind === "node");
  const classOf = (endpoint: Endpoint) => placement.classOf.get(endpoint.id);
  const sources = endsOf(question.from, question.port, endpoints, classOf);
  // What is sent to a Service's address goes to a pod behind it, and policy sees that pod.
  const service = question.to.startsWith("service:")
    ? question.to.slice("service:".length)
    : serviceAt(question.to, objects);
  const targets =
    service === undefined
      ? endsOf(question.to, question.port, endpoints, classOf)
      : backendsOf(service, question, objects).flatMap(({ pod, port }) => endsOf(pod, port, endpoints, classOf));
  const known = service === undefined ? [] : addressesOf(service, objects);
  return pairs(sources, targets, question).map(({ source, target }) => {
    const translated = translationOf(source, known, question);
    const packet = { ...packetOf(question.protocol, source, target), ...(translated && { translated }) };
    return { from: source.label, to: target.label, port: packet.icmp?.type ?? target.port, packet };
  });
}

/** One pair of addresses for each pair of ends: of the family asked for, else the first that both have. */
function pairs(sources: readonly End[], targets: readonly End[], { family }: Question) {
  const fits = (end: End) => family === null || familyOf(end.address) === family;
  const found = [...Map.groupBy(targets.filter(fits), ({ label, port }) => `${label} ${port}`).values()].flatMap(
    (same) => {
      const candidates = same.flatMap((target) => {
        const source = sources.filter(fits).find(({ address }) => familyOf(address) === familyOf(target.address));
        return source === undefined ? [] : [{ source, target }];
      });
      return candidates.slice(0, 1);
    },
  );
  if (found.length > 0) return found;
  throw new SluiceError("USAGE", "the two ends have no address of the same family");
}

/** The node of whoever connects translates the address of a Service, after lists of its host endpoints have seen it. */
function translationOf(
  { node, address }: End,
  service: readonly Address[],
  { port }: Question,
): Packet["translated"] | undefined {
  const destination = service.find((one) => familyOf(one) === familyOf(address));
  return node === null || destination === undefined ? undefined : { node, destination, destinationPort: port ?? 0 };
}

/** Types of echo requests by protocol: ICMP and ICMPv6. */
const echoRequest: Readonly<Record<number, number>> = { 1: 8, 58: 128 };

function packetOf(protocol: number, source: End, target: End): Packet {
  const echo = echoRequest[protocol];
  return {
    source: source.address,
    destination: target.address,
    protocol,
    // Any port that clients use; policies seldom look at it.
    sourcePort: hasPorts(protocol) ? 40_000 : 0,
    destinationPort: hasPorts(protocol) ? (target.port ?? 0) : 0,
    icmp: echo === undefined ? null : { type: target.port ?? echo, code: 0 },
  };
}

type ClassOf = (endpoint: Endpoint) => unknown;

function endsOf(text: string, port: number | null, endpoints: readonly Endpoint[], classOf: ClassOf): readonly End[] {
  const address = tryParseAddress(text);
  if (address !== undefined) {
    const owner = endpoints.find(({ addresses, hostNetwork }) => !hostNetwork && addresses.includes(address));
    const label = owner === undefined ? address : labelOf(owner);
    return [{ label, address, port, node: owner === undefined ? null : nodeOf(owner) }];
  }
  const found = named(text, endpoints, classOf);
  return found.addresses.map((own) => ({ label: labelOf(found), address: own, port, node: nodeOf(found) }));
}

function nodeOf({ kind, name, node }: Endpoint): string | null {
  return kind === "node" ? name : node;
}

function labelOf({ kind, namespace, name }: Endpoint): string {
  return kind === "pod" ? `${namespace}/${name}` : `node:${name}`;
}

/** By its whole name, or without the suffix of its workload where all pods so named have the same policies. */
function named(text: string, endpoints: readonly Endpoint[], classOf: ClassOf): Endpoint {
  const exact = endpoints.find((endpoint) => labelOf(endpoint) === text);
  if (exact !== undefined) return exact;
  const begun = endpoints.filter((endpoint) => endpoint.kind === "pod" && labelOf(endpoint).startsWith(`${text}-`));
  const first = begun[0];
  if (first !== undefined && new Set(begun.map(classOf)).size === 1) return first;
  const meant =
    begun.length > 1 ? `; it could be ${begun.map(labelOf).join(", ")}` : hint(text, endpoints.flatMap(namesOf));
  throw new SluiceError("USAGE", `"${text}" is no pod with an address, node:NAME or address here${meant}`);
}

/** How an endpoint may be called: a pod also without what its workload put behind. */
function namesOf(endpoint: Endpoint): readonly string[] {
  const label = labelOf(endpoint);
  return endpoint.kind === "pod" ? [label, label.replace(/(-[a-z0-9]{8,10})?-[a-z0-9]{5}$/, "")] : [label];
}

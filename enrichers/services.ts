import { type Address, tryParseAddress } from "../core/address.ts";
import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
import type { FlowService } from "../core/records/flow.ts";
import { integerAt, listAt, textAt } from "./fields.ts";

/** Where a client aims at: the tuple before DNAT. */
export interface Target {
  readonly address: Address;
  readonly protocol: number;
  readonly port: number;
}

/** Protocol numbers by their names in Service objects. */
const protocols: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** Which Service answers at an address and port: cluster, external and load balancer addresses, and node ports. */
export class Services {
  /** By address (`anyNode` for node ports) and door. Several claim one only by mistake. */
  readonly #claims = new Map<string, Map<number, readonly FlowService[]>>();
  readonly #removals = new Map<string, () => void>();

  update(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === "synced" || change.object.kind !== "Service") continue;
      const key = keyOf(change.object);
      this.#removals.get(key)?.();
      this.#removals.delete(key);
      if (change.type === "upsert") this.#removals.set(key, this.#add(change.object));
    }
  }

  /** `ofNode` says whether the target's address is one of a node, where node ports are open. */
  serviceOf(target: Target, ofNode: () => boolean): FlowService | undefined {
    const door = doorOf(target.protocol, target.port);
    const claims = this.#claims.get(target.address)?.get(door);
    if (claims !== undefined) return claims[0];
    const onNodes = this.#claims.get(anyNode)?.get(door);
    return onNodes !== undefined && ofNode() ? onNodes[0] : undefined;
  }

  has(address: Address): boolean {
    return this.#claims.has(address);
  }

  /** Returns what takes it out again. */
  #add(object: KubeObject): () => void {
    const claims = claimsOf(object, addressesOf(object));
    for (const claim of claims) this.#claim(claim);
    return () => {
      for (const claim of claims) this.#release(claim);
    };
  }

  #claim({ address, door, service }: Claim): void {
    const doors = this.#claims.get(address) ?? new Map<number, readonly FlowService[]>();
    this.#claims.set(address, doors.set(door, inOrder([...(doors.get(door) ?? []), service])));
  }

  #release({ address, door, service }: Claim): void {
    const doors = this.#claims.get(address);
    if (doors === undefined) return;
    const left = (doors.get(door) ?? []).filter((other) => other !== service);
    if (left.length > 0) doors.set(door, left);
    else doors.delete(door);
    if (doors.size === 0) this.#claims.delete(address);
  }
}

/** In place of the address of each node. */
const anyNode = "";

/** Protocol and port as one number. */
const doorOf = (protocol: number, port: number) => protocol * 65_536 + port;
/** An address is a Service's also where it has no port that could be read. */
const noDoor = -1;

interface Claim {
  readonly address: string;
  readonly door: number;
  readonly service: FlowService;
}

function claimsOf(object: KubeObject, addresses: readonly Address[]): readonly Claim[] {
  const { name, namespace = "default" } = object.metadata;
  const known = addresses.map((address) => ({ address, door: noDoor, service: { namespace, name, port: null } }));
  return [
    ...known,
    ...listAt(object, "spec", "ports").flatMap((entry) => {
      const protocol = protocols[textAt(entry, "protocol") ?? "TCP"];
      if (protocol === undefined) return [];
      const [port, nodePort] = [integerAt(entry, "port"), integerAt(entry, "nodePort")];
      const service = { namespace, name, port: textAt(entry, "name") ?? null };
      const claim = (address: string, door: number) => ({ address, door: doorOf(protocol, door), service });
      return [
        ...(port === undefined ? [] : addresses.map((address) => claim(address, port))),
        ...(nodePort === undefined || nodePort === 0 ? [] : [claim(anyNode, nodePort)]),
      ];
    }),
  ];
}

/** A headless Service has the address "None": whoever uses it talks to pods. */
function addressesOf(object: KubeObject): readonly Address[] {
  const texts = [
    textAt(object, "spec", "clusterIP"),
    ...listAt(object, "spec", "clusterIPs"),
    ...listAt(object, "spec", "externalIPs"),
    ...listAt(object, "status", "loadBalancer", "ingress").map((entry) => textAt(entry, "ip")),
  ];
  const addresses = texts.map((text) => (typeof text === "string" ? tryParseAddress(text) : undefined));
  return [...new Set(addresses)].filter((address) => address !== undefined);
}

function inOrder(services: readonly FlowService[]): readonly FlowService[] {
  return [...services].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

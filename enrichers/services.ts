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
  /** By `address/protocol/port` or, for node ports, `/protocol/port`. Several claim one only by mistake. */
  readonly #claims = new Map<string, readonly FlowService[]>();
  readonly #addresses = new Map<Address, number>();
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
  serviceOf(target: Target, ofNode: boolean): FlowService | undefined {
    const claims = this.#claims.get(`${target.address}/${target.protocol}/${target.port}`);
    if (claims !== undefined) return claims[0];
    return ofNode ? this.#claims.get(`/${target.protocol}/${target.port}`)?.[0] : undefined;
  }

  has(address: Address): boolean {
    return this.#addresses.has(address);
  }

  /** Returns what takes it out again. */
  #add(object: KubeObject): () => void {
    const addresses = addressesOf(object);
    const claims = claimsOf(object, addresses);
    for (const [key, service] of claims) this.#claims.set(key, inOrder([...(this.#claims.get(key) ?? []), service]));
    for (const address of addresses) this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1);
    return () => {
      for (const [key, service] of claims) this.#release(key, service);
      for (const address of addresses) {
        const left = (this.#addresses.get(address) ?? 1) - 1;
        if (left === 0) this.#addresses.delete(address);
        else this.#addresses.set(address, left);
      }
    };
  }

  #release(key: string, service: FlowService): void {
    const left = (this.#claims.get(key) ?? []).filter((other) => other !== service);
    if (left.length === 0) this.#claims.delete(key);
    else this.#claims.set(key, left);
  }
}

function claimsOf(object: KubeObject, addresses: readonly Address[]): readonly (readonly [string, FlowService])[] {
  const { name, namespace = "default" } = object.metadata;
  return listAt(object, "spec", "ports").flatMap((entry) => {
    const protocol = protocols[textAt(entry, "protocol") ?? "TCP"];
    const [port, nodePort] = [integerAt(entry, "port"), integerAt(entry, "nodePort")];
    const service = { namespace, name, port: textAt(entry, "name") ?? null };
    const keys = port === undefined ? [] : addresses.map((address) => `${address}/${protocol}/${port}`);
    if (nodePort !== undefined && nodePort !== 0) keys.push(`/${protocol}/${nodePort}`);
    return protocol === undefined ? [] : keys.map((key) => [key, service] as const);
  });
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

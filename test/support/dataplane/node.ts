import { writeFileSync } from "node:fs";
import type { Address } from "../../../core/address.ts";
import { messageFlag } from "../../../core/netlink/message.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";
import { enterNamespace } from "../../../core/netlink/namespace.ts";
import { NetlinkSocket } from "../../../core/netlink/socket.ts";
import { Tun } from "../../../core/netlink/tun.ts";
import { decodeLink, dumpPayload, request } from "../../../enforcer/routes.ts";
import { probeMark } from "./harness-table.ts";
import { type NetworkDevice, type NodeLayout, networkDevices, podDevice } from "./layout.ts";
import { RawSocket } from "./raw-socket.ts";
import { Watch } from "./watch.ts";
import { defaultRoute, hostRoute, linkUp, ownAddress, type Verb } from "./wiring.ts";

const NETLINK_ROUTE = 0;

/** What one read of a device may leave waiting: as many packets as a round sends at most. */
export const maxRound = 4096;

/** Read by the kernel when an interface is made. Nothing but probes is to be seen, and nothing but nftables is to refuse one. */
const settings: readonly (readonly [name: string, value: string])[] = [
  ["ipv4/ip_forward", "1"],
  ["ipv6/conf/all/forwarding", "1"],
  ["ipv4/conf/all/rp_filter", "0"],
  ["ipv4/conf/default/rp_filter", "0"],
  ["ipv4/conf/all/send_redirects", "0"],
  ["ipv4/conf/default/send_redirects", "0"],
  ["ipv6/conf/default/accept_ra", "0"],
  ["ipv6/conf/default/router_solicitations", "0"],
  // Transport checksums are left out.
  ["netfilter/nf_conntrack_checksum", "0"],
];

interface Wired {
  readonly layout: NodeLayout;
  readonly viaSecond: readonly Address[];
}

/**
 * A network namespace in the part of a node: pods behind interfaces of their own, everything else behind devices of two networks. Made on a
 * thread that may change its namespace; its sockets stay in this one.
 */
export class Node {
  readonly watch: Watch;
  readonly networks: Readonly<Record<NetworkDevice, Tun>>;
  readonly pods: Tun[] = [];
  readonly #path: string;
  readonly #route: NetlinkSocket;
  readonly #raw: { readonly 4: RawSocket; readonly 6: RawSocket };
  readonly #indexes = new Map<string, number>();
  #wired: Wired = { layout: { name: "", own: new Map(), pods: [] }, viaSecond: [] };

  /** `path` is that of a fresh namespace. */
  constructor(path: string) {
    this.#path = path;
    enterNamespace(path);
    for (const [name, value] of settings) writeFileSync(`/proc/sys/net/${name}`, value);
    this.#route = NetlinkSocket.open(NETLINK_ROUTE);
    this.watch = Watch.open();
    this.#raw = { 4: RawSocket.open(4, probeMark), 6: RawSocket.open(6, probeMark) };
    this.networks = { eth0: Tun.open("eth0"), eth1: Tun.open("eth1") };
    this.#learnLinks();
    const links = ["lo", ...networkDevices].map((name) => linkUp(this.#index(name), maxRound));
    this.#change("bring links up", links);
    const families = [4, 6] as const;
    this.#change(
      "add default routes",
      families.map((family) => defaultRoute(family, this.#index("eth0"))),
    );
  }

  /** Takes the place of what was there before. `viaSecond`: what is on the second network, or beyond it. */
  lay(layout: NodeLayout, viaSecond: readonly Address[]): void {
    this.#addPods(layout.pods.length - this.pods.length);
    this.#change("remove addresses", this.#addresses("delete"));
    this.#wired = { layout, viaSecond };
    this.#change("add addresses", this.#addresses("add"));
  }

  /** A socket of the node that sends to this address. */
  send(packet: Uint8Array, destination: Address): void {
    this.#raw[destination.includes(":") ? 6 : 4].send(packet, destination);
  }

  close(): void {
    const devices = [...Object.values(this.networks), ...this.pods];
    for (const part of [this.watch, this.#route, this.#raw[4], this.#raw[6], ...devices]) part.close();
  }

  #addPods(missing: number): void {
    if (missing <= 0) return;
    enterNamespace(this.#path);
    const before = this.pods.length;
    for (let pod = before; pod < before + missing; pod++) this.pods.push(Tun.open(podDevice(pod)));
    this.#learnLinks();
    const fresh = this.pods.slice(before);
    this.#change(
      "bring links of pods up",
      fresh.map(({ name }) => linkUp(this.#index(name), maxRound)),
    );
  }

  #addresses(verb: Verb): readonly MessageWriter[] {
    const { own, pods } = this.#wired.layout;
    return [
      ...[...own.keys()].map((address) => ownAddress(verb, address, this.#index("lo"))),
      ...pods.flatMap((pod, at) => pod.map((address) => hostRoute(verb, address, this.#index(podDevice(at))))),
      ...this.#wired.viaSecond.map((address) => hostRoute(verb, address, this.#index("eth1"))),
    ];
  }

  #change(what: string, messages: readonly MessageWriter[]): void {
    if (messages.length === 0) return;
    const failed = this.#route.transact(messages).find(({ errno }) => errno !== 0);
    if (failed !== undefined)
      throw new Error(`${what}: request ${failed.sequence}: errno ${failed.errno} ${failed.message}`);
  }

  #learnLinks(): void {
    const message = new MessageWriter(request.links, messageFlag.request | messageFlag.dump);
    this.#route.dump("dump links", message.raw(dumpPayload("links", null)), (bytes, framed) => {
      const { index, name } = decodeLink(bytes, framed);
      this.#indexes.set(name, index);
    });
  }

  #index(name: string): number {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`there is no interface ${name}`);
    return index;
  }
}

// Two pods and their node as network namespaces: applications 0 and 1 of large-node.ts, behind slp0 and slp1. Addresses of links are
// set by hand, so that no packet waits for a neighbour to be found.

import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { podAddress } from "./large-node.ts";

export interface PodPath {
  /** Names of network namespaces. */
  readonly client: string;
  readonly node: string;
  readonly server: string;
}

const gateway = "169.254.1.1";

export function makePath(): PodPath {
  const path = { client: makeNamespace("client"), node: makeNamespace("node"), server: makeNamespace("server") };
  runIn(path.node, "sysctl", "-qw", "net.ipv4.ip_forward=1");
  for (const [number, pod] of [path.client, path.server].entries()) connect(path.node, pod, number);
  return path;
}

export function deletePath({ client, node, server }: PodPath): void {
  for (const namespace of [client, node, server]) deleteNamespace(namespace);
}

/** Counts what leaves the client and what reaches the server, by UDP port; the server answers nothing. */
export function countArrivals({ client, server }: PodPath, ports: readonly number[]): void {
  const rules = (verdict: string) => ports.map((port) => `udp dport ${port} counter ${verdict};`).join(" ");
  const table = (hook: string, verdict: string) =>
    `table ip seen { chain c { type filter hook ${hook} priority -400; ${rules(verdict)} } ; }`;
  runIn(server, "nft", table("prerouting", "drop"));
  runIn(client, "nft", table("postrouting", "accept"));
}

/** Packets to a port that left the client and that reached the server. */
export function arrivals({ client, server }: PodPath, port: number): { readonly sent: number; readonly came: number } {
  const counted = (namespace: string) => {
    const text = runIn(namespace, "nft", "list", "table", "ip", "seen");
    return Number(new RegExp(`udp dport ${port} counter packets (\\d+)`).exec(text)?.[1]);
  };
  return { sent: counted(client), came: counted(server) };
}

function connect(node: string, pod: string, number: number): void {
  const [outer, inner] = [`02:00:00:00:00:${10 + number}`, `02:00:00:00:01:${10 + number}`];
  const [link, address] = [`slp${number}`, podAddress(number)];
  const ip = (namespace: string, command: string) => runIn(namespace, "ip", ...command.split(" "));
  ip(node, `link add ${link} address ${outer} type veth peer name eth0 address ${inner} netns ${pod}`);
  ip(node, `link set ${link} up`);
  ip(node, `address add ${gateway}/32 dev ${link}`);
  ip(node, `route add ${address} dev ${link}`);
  ip(node, `neighbour replace ${address} lladdr ${inner} dev ${link} nud permanent`);
  ip(pod, "link set eth0 up");
  ip(pod, `address add ${address}/32 dev eth0`);
  ip(pod, `route add ${gateway} dev eth0`);
  ip(pod, `route add default via ${gateway}`);
  ip(pod, `neighbour replace ${gateway} lladdr ${outer} dev eth0 nud permanent`);
}

import { type Family, familyOf } from "../core/address.ts";
import type { Backend, Frontend } from "./services.ts";

/** The lab's own table. Its comment tells a reader, and a tamper alarm, that it stands for kube-proxy. */
const proxyTable = "sluice_lab_proxy";

/**
 * What kube-proxy does, as one nft transaction that replaces the table whole: Service addresses become a random backend by
 * DNAT, a pod that reaches itself gets its node's address as source (it would drop answers to itself otherwise), and a
 * Service without backends refuses. Hooks and priorities are those of kube-proxy's nftables mode.
 */
export function renderProxy(frontends: readonly Frontend[]): string {
  const served = frontends.filter(({ backends }) => backends.length > 0);
  const idle = frontends.filter(({ backends }) => backends.length === 0);
  return [
    `table inet ${proxyTable}`,
    `delete table inet ${proxyTable}`,
    `table inet ${proxyTable} {`,
    '  comment "Service addresses of the Sluice lab, in place of kube-proxy"',
    ...set("self4", "ipv4_addr . ipv4_addr", selfPairs(served, 4)),
    ...set("self6", "ipv6_addr . ipv6_addr", selfPairs(served, 6)),
    ...chain("services", served.map(dnat)),
    ...chain("idle", idle.map(refuse)),
    ...chain("prerouting", ["type nat hook prerouting priority -100; policy accept;", "jump services"]),
    ...chain("output", ["type nat hook output priority -100; policy accept;", "jump services"]),
    ...chain("postrouting", [
      "type nat hook postrouting priority 100; policy accept;",
      "ct status dnat ip saddr . ip daddr @self4 masquerade",
      "ct status dnat ip6 saddr . ip6 daddr @self6 masquerade",
    ]),
    ...chain("refuse-forward", ["type filter hook forward priority -110; policy accept;", "jump idle"]),
    ...chain("refuse-output", ["type filter hook output priority -110; policy accept;", "jump idle"]),
    "}",
    "",
  ].join("\n");
}

function set(name: string, type: string, elements: readonly string[]): string[] {
  const content = elements.length === 0 ? [] : [`    elements = { ${elements.join(", ")} }`];
  return [`  set ${name} {`, `    type ${type}`, ...content, "  }"];
}

function chain(name: string, rules: readonly string[]): string[] {
  return [`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), "  }"];
}

function dnat({ family, backends, ...frontend }: Frontend): string {
  const chosen = backends.map((backend, index) => `${index} : ${backend.address} . ${backend.port}`);
  const target =
    backends.length === 1
      ? socketAddress(backends[0] as Backend)
      : `numgen random mod ${backends.length} map { ${chosen.join(", ")} }`;
  return `${match({ ...frontend, family })} dnat ${ip(family)} to ${target}`;
}

function refuse(frontend: Frontend): string {
  return `${match(frontend)} reject${frontend.protocol === "TCP" ? " with tcp reset" : ""}`;
}

function match({ family, address, protocol, port }: Omit<Frontend, "backends" | "service">): string {
  return `${ip(family)} daddr ${address} ${protocol.toLowerCase()} dport ${port}`;
}

function selfPairs(frontends: readonly Frontend[], family: Family): string[] {
  const addresses = frontends.flatMap(({ backends }) => backends.map(({ address }) => address));
  const own = [...new Set(addresses)].filter((address) => familyOf(address) === family).sort();
  return own.map((address) => `${address} . ${address}`);
}

const ip = (family: Family): string => (family === 4 ? "ip" : "ip6");

function socketAddress({ address, port }: Backend): string {
  return familyOf(address) === 4 ? `${address}:${port}` : `[${address}]:${port}`;
}

import { type Address, cidrContains, familyOf } from "../../core/address.ts";
import type { IcmpMatch, Peer, Policy, Ports, Rule, Tier } from "../../policy/model.ts";
import type { Endpoint } from "../../policy/placement.ts";
import type { Direction, PolicyList } from "../../policy/program.ts";
import { matches } from "../../policy/selector/syntax.ts";
import type { Backend } from "../../policy/service.ts";
import type { Packet } from "../../policy/verdict.ts";

// A second opinion. Written from the text of the APIs (projectcalico.org/v3: evaluation of tiers, rule match, host endpoints; built-in
// tiers of Kubernetes), one question after the other over the models themselves: no sets, classes, instructions or memory. Slow and
// plain on purpose; what it says must not depend on anything that compile.ts, place.ts or evaluate.ts do.

export interface NaiveWorld {
  readonly tiers: readonly Tier[];
  readonly policies: readonly Policy[];
  readonly endpoints: readonly Endpoint[];
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, readonly Backend[]>;
}

/** `allow` or `deny`, then who said so last, as `tier|kind:namespace/name|direction|rule`; nobody if no policy was asked. */
export type Opinion = string;

export function naiveOpinion(world: NaiveWorld, packet: Packet): Opinion {
  const from = whoIs(world, packet.source);
  const to = whoIs(world, packet.destination);
  if (from.pod !== undefined && from.pod === to.pod) return "allow";
  if (from.pod === undefined && from.node !== null && from.node === to.node) return "allow";
  let last = "";
  for (const { endpoint, lists, direction } of questions(world, from, to, packet)) {
    for (const list of lists) {
      const isBefore = list === "untracked" || list === "preDnat";
      const translated = isBefore && packet.translated?.node === endpoint.node && endpoint.kind === "host";
      const seen = translated ? { ...packet, ...packet.translated } : packet;
      const answer = ask(world, endpoint, list, direction, seen);
      if (answer === undefined) continue;
      last = ` ${answer.by}`;
      if (answer.action === "deny") return `deny${last}`;
      break;
    }
  }
  return `allow${last}`;
}

interface Who {
  readonly pod: Endpoint | undefined;
  /** Where the pod runs, or whose own address it is. */
  readonly node: string | null;
}

function whoIs({ endpoints }: NaiveWorld, address: Address): Who {
  const owners = endpoints.filter(({ addresses }) => addresses.includes(address));
  const pod = owners.find(({ kind, hostNetwork }) => kind === "pod" && !hostNetwork);
  if (pod !== undefined) return { pod, node: pod.node };
  const own = owners.find(({ kind }) => kind === "node" || kind === "host" || kind === "pod");
  return { pod: undefined, node: own === undefined ? null : own.kind === "node" ? own.name : own.node };
}

interface Question {
  readonly endpoint: Endpoint;
  readonly direction: Direction;
  /** The first of them that allows is enough. */
  readonly lists: readonly PolicyList[];
}

/** The table of host endpoints and traffic, node by node along the way. */
function questions(world: NaiveWorld, from: Who, to: Who, packet: Packet): readonly Question[] {
  const asked: Question[] = [];
  const add = (endpoint: Endpoint | undefined, direction: Direction, ...lists: PolicyList[]) => {
    const isAll = endpoint?.interfaceName === "*";
    if (endpoint !== undefined)
      asked.push({ endpoint, direction, lists: lists.filter((list) => !isAll || list !== "untracked") });
  };
  const host = (node: string | null, side: "in" | "out", kind: "pods" | "others", own?: Address) =>
    hostEndpointAt(world, node, packet.interfaces?.get(node ?? "")?.[side], kind, own);
  const local = from.node !== null && from.node === to.node;
  if (from.pod !== undefined) {
    add(from.pod, "egress", "normal");
    if (local && to.pod === undefined)
      add(host(from.node, "in", "pods"), "ingress", "failsafe", "untracked", "preDnat", "normal");
    else add(host(from.node, "in", "pods"), "ingress", "preDnat", "forward");
    if (!local) add(host(from.node, "out", "others"), "egress", "forward");
  } else if (from.node !== null)
    add(host(from.node, "out", "others", packet.source), "egress", "failsafe", "untracked", "normal");
  for (const router of packet.interfaces?.keys() ?? []) {
    if (local || router === from.node || router === to.node) continue;
    add(host(router, "in", "others"), "ingress", "untracked", "preDnat", "forward");
    add(host(router, "out", "others"), "egress", "forward");
  }
  if (to.pod !== undefined) {
    if (!local) add(host(to.node, "in", "others"), "ingress", "preDnat", "forward");
    add(to.pod, "ingress", "normal");
    add(host(to.node, "out", "pods"), "egress", "forward");
  } else if (to.node !== null && !local)
    add(host(to.node, "in", "others", packet.destination), "ingress", "failsafe", "untracked", "preDnat", "normal");
  return asked;
}

function hostEndpointAt(
  { endpoints }: NaiveWorld,
  node: string | null,
  told: string | undefined,
  kind: "pods" | "others",
  own: Address | undefined,
): Endpoint | undefined {
  const here = endpoints.filter((endpoint) => endpoint.kind === "host" && endpoint.node === node && node !== null);
  const all = here.find(({ interfaceName }) => interfaceName === "*");
  let some = here.filter(({ interfaceName }) => interfaceName !== "*");
  if (told !== undefined) {
    const named = some.find(({ interfaceName }) => interfaceName === told);
    if (named !== undefined) return named;
    some = some.filter(({ interfaceName }) => interfaceName === null);
  }
  if (kind === "pods") return all;
  const ofAddress = own === undefined ? undefined : some.find(({ addresses }) => addresses.includes(own));
  if (ofAddress !== undefined) return ofAddress;
  const ofNode = some.filter(({ addresses }) => addresses.some((address) => isOwnAddress(endpoints, node, address)));
  const likely = own === undefined ? ofNode : ofNode.filter((host) => !speaksOf(host, own));
  if (likely.length > 0) return likely[0];
  if (all !== undefined) return all;
  if (told !== undefined && own !== undefined) return undefined;
  return some.length === 1 ? some[0] : ofNode[0];
}

/** Lists addresses of the same family. */
function speaksOf({ addresses }: Endpoint, own: Address): boolean {
  return addresses.some((address) => address.includes(":") === own.includes(":"));
}

function isOwnAddress(endpoints: readonly Endpoint[], node: string | null, address: Address): boolean {
  return whoIs({ tiers: [], policies: [], endpoints, services: new Map() }, address).node === node;
}

interface Answer {
  readonly action: "allow" | "deny";
  readonly by: string;
}

/** One list of one endpoint; undefined if nothing in it decides. */
function ask(
  world: NaiveWorld,
  endpoint: Endpoint,
  list: PolicyList,
  direction: Direction,
  packet: Packet,
): Answer | undefined {
  if (list === "failsafe") return failsafe(direction, packet);
  const applying = world.policies.filter(
    (policy) =>
      policy.staged === null &&
      policy[direction] !== null &&
      policy.lists.includes(list) &&
      matches(policy.selector, endpoint.labels),
  );
  for (const tier of orderedTiers(world, applying)) {
    const policies = applying.filter((policy) => policy.tier === tier.name).sort(byOrder);
    const answer = askTier(world, tier, policies, list, direction, packet);
    if (answer !== "pass") return answer;
  }
  if (list === "preDnat" || list === "untracked") return undefined;
  if (list === "forward")
    return applying.length === 0 ? undefined : { action: "deny", by: `__PROFILE__|end:forward|${direction}|-1` };
  return profile(endpoint, direction);
}

function askTier(
  world: NaiveWorld,
  tier: Tier,
  policies: readonly Policy[],
  list: PolicyList,
  direction: Direction,
  packet: Packet,
): Answer | "pass" {
  for (const policy of policies)
    for (const rule of policy[direction] ?? []) {
      if (failsClosed(rule, policy[direction] ?? []))
        return { action: "deny", by: nameOf(policy, direction, rule.index) };
      if (rule.action === "log" || !ruleMatches(world, rule, packet)) continue;
      if (rule.action === "pass") return "pass";
      return { action: rule.action, by: nameOf(policy, direction, rule.index) };
    }
  if (tier.defaultAction === "pass" || list === "preDnat" || list === "untracked") return "pass";
  return { action: "deny", by: nameOf(policies[0] as Policy, direction, -1) };
}

/** What cannot be decided must not let through what a rule denies or passes on. */
function failsClosed({ action, index }: Rule, rules: readonly Rule[]): boolean {
  if (action !== "deny" && action !== "pass") return false;
  return rules.some((part) => part.index === index && part.notEnforced.length > 0);
}

const nameOf = ({ tier, kind, namespace, name }: Policy, direction: Direction, rule: number) =>
  `${tier}|${kind}:${namespace === null ? "" : `${namespace}/`}${name}|${direction}|${rule}`;

/** Lowest order first, then by name. Those that nobody made come last and deny. */
function orderedTiers({ tiers }: NaiveWorld, applying: readonly Policy[]): readonly Tier[] {
  const builtIn: readonly Tier[] = [
    { name: "kube-admin", order: 1000, defaultAction: "pass" },
    { name: "default", order: 1_000_000, defaultAction: "deny" },
    { name: "kube-baseline", order: 10_000_000, defaultAction: "pass" },
    { name: "adminnetworkpolicy", order: 1000, defaultAction: "pass" },
    { name: "baselineadminnetworkpolicy", order: 10_000_000, defaultAction: "pass" },
  ];
  const made = [...builtIn, ...tiers];
  const named = [...new Set(applying.map(({ tier }) => tier))];
  const inOrder = (a: Tier, b: Tier) => compare(a.order, b.order) || compare(a.name, b.name);
  return [
    ...made.filter(({ name }) => named.includes(name)).sort(inOrder),
    ...named
      .filter((name) => made.every((tier) => tier.name !== name))
      .map((name): Tier => ({ name, order: Number.POSITIVE_INFINITY, defaultAction: "deny" }))
      .sort(inOrder),
  ];
}

function byOrder(a: Policy, b: Policy): number {
  const key = ({ name, namespace, kind }: Policy) => `${name}/${namespace ?? ""}/${kind}`;
  return compare(a.order, b.order) || compare(key(a), key(b));
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Pods have one that allows everything; a host endpoint is denied unless it has such a one. */
function profile({ kind, labels }: Endpoint, direction: Direction): Answer {
  if (kind === "pod") return { action: "allow", by: `__PROFILE__|pro:kns|${direction}|0` };
  if (labels["sluice.dev/host-endpoint"] === "allow")
    return { action: "allow", by: `__PROFILE__|pro:projectcalico-default-allow|${direction}|0` };
  return { action: "deny", by: `__PROFILE__|pro:none|${direction}|-1` };
}

/** Defaults of FelixConfiguration. */
const failsafePorts = {
  ingress: ["6 22", "6 179", "6 2379", "6 2380", "6 5473", "6 6443", "6 6666", "6 6667", "17 68"],
  egress: ["17 53", "17 67", "6 179", "6 2379", "6 2380", "6 5473", "6 6443", "6 6666", "6 6667"],
};

function failsafe(direction: Direction, { protocol, destinationPort }: Packet): Answer | undefined {
  const at = failsafePorts[direction].indexOf(`${protocol} ${destinationPort}`);
  return at < 0 ? undefined : { action: "allow", by: `__FAILSAFE__|failsafe:failsafe|${direction}|${at}` };
}

function ruleMatches(world: NaiveWorld, rule: Rule, packet: Packet): boolean {
  const { source, destination, protocol, sourcePort, destinationPort } = packet;
  if (rule.notEnforced.length > 0) return false;
  if (rule.family !== null && rule.family !== familyOf(destination)) return false;
  if (rule.protocol !== null && rule.protocol !== protocol) return false;
  if (rule.notProtocol !== null && rule.notProtocol === protocol) return false;
  if (rule.icmp !== null && !icmpMatches(rule.icmp, packet)) return false;
  if (rule.notIcmp !== null && (packet.icmp === null || icmpMatches(rule.notIcmp, packet))) return false;
  return (
    peerMatches(world, rule.source, "source", source, protocol, sourcePort) &&
    peerMatches(world, rule.destination, "destination", destination, protocol, destinationPort)
  );
}

function icmpMatches({ type, code }: IcmpMatch, { icmp }: Packet): boolean {
  return icmp !== null && icmp.type === type && (code === undefined || icmp.code === code);
}

function peerMatches(
  world: NaiveWorld,
  peer: Peer,
  end: "source" | "destination",
  address: Address,
  protocol: number,
  port: number,
): boolean {
  const meant = (endpoint: Endpoint) => endpoint.kind !== "node" && !endpoint.hostNetwork;
  const has = ({ addresses, nets }: Endpoint) =>
    addresses.includes(address) || nets.some((net) => cidrContains(net, address));
  const isOneOf = (selector: NonNullable<Peer["selector"]>) =>
    world.endpoints.some((endpoint) => meant(endpoint) && has(endpoint) && matches(selector, endpoint.labels));
  if (peer.selector !== null && !isOneOf(peer.selector)) return false;
  if (peer.notSelector !== null && isOneOf(peer.notSelector)) return false;
  const nodes = peer.nodes;
  if (
    nodes !== null &&
    !world.endpoints.some((node) => node.kind === "node" && has(node) && matches(nodes, node.labels))
  )
    return false;
  if (peer.service !== null) {
    const backends = world.services.get(`${peer.service.namespace}/${peer.service.name}`) ?? [];
    const isBehind = (backend: Backend) =>
      backend.address === address && (end === "source" || (backend.protocol === protocol && backend.port === port));
    if (!backends.some(isBehind)) return false;
  }
  if (peer.nets.length > 0 && !peer.nets.some((net) => cidrContains(net, address))) return false;
  if (peer.notNets.some((net) => cidrContains(net, address))) return false;
  const isAt = ({ ranges, names }: Ports) =>
    ranges.some(({ from, to }) => from <= port && port <= to) ||
    world.endpoints.some(
      (endpoint) =>
        meant(endpoint) &&
        endpoint.addresses.includes(address) &&
        (peer.selector === null || matches(peer.selector, endpoint.labels)) &&
        endpoint.ports.some((each) => names.includes(each.name) && each.protocol === protocol && each.port === port),
    );
  const hasPorts = [6, 17, 132, 136].includes(protocol);
  if (peer.ports !== null && !(hasPorts && isAt(peer.ports))) return false;
  return peer.notPorts === null || (hasPorts && !isAt(peer.notPorts));
}

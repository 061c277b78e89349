import { type Address, cidrContains, familyOf } from "../../core/address.ts";
import type { IcmpMatch, Peer, Policy, Ports, Rule, Tier } from "../../policy/model.ts";
import type { Endpoint } from "../../policy/placement.ts";
import type { Direction, PolicyListOfUsers } from "../../policy/program.ts";
import type { ProgramSettings } from "../../policy/program-settings.ts";
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
  readonly podToHost?: ProgramSettings["podToHost"];
}

/** `allow` or `deny`, then who said so last, as `tier|kind:namespace/name|direction|rule`; nobody if no policy was asked. */
export type Opinion = string;

export function naiveOpinion(world: NaiveWorld, packet: Packet): Opinion {
  const opinion = new Asking(world, packet);
  try {
    opinion.walk();
    return `allow${opinion.last}`;
  } catch (thrown) {
    if (thrown instanceof Denied) return `deny${opinion.last}`;
    throw thrown;
  }
}

class Denied extends Error {}

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

/** Everything that is asked about a packet, node by node along its way: the table of host endpoints and traffic. */
class Asking {
  last = "";
  readonly #world: NaiveWorld;
  readonly #packet: Packet;

  constructor(world: NaiveWorld, packet: Packet) {
    this.#world = world;
    this.#packet = packet;
  }

  /** Throws Denied. */
  walk(): void {
    const [from, to] = [whoIs(this.#world, this.#packet.source), whoIs(this.#world, this.#packet.destination)];
    if (from.pod !== undefined && from.pod === to.pod) {
      if (this.#packet.translated?.node === from.node) this.#comesIn(from.node, "pods");
      return;
    }
    if (from.pod === undefined && from.node !== null && from.node === to.node) return;
    const isLocal = from.node !== null && from.node === to.node;
    if (from.pod !== undefined) this.#fromPod(from.pod, from.node, isLocal && to.pod === undefined, isLocal);
    else if (from.node !== null) this.#fromProcess(from.node);
    for (const router of this.#packet.interfaces?.keys() ?? []) {
      if (isLocal || router === from.node || router === to.node) continue;
      if (!this.#comesIn(router, "others").isDone) this.#ask(this.#host(router, "in", "others"), "ingress", "forward");
      this.#ask(this.#host(router, "out", "others"), "egress", "forward");
    }
    if (to.pod !== undefined) this.#toPod(to.pod, to.node, isLocal);
    else if (to.node !== null && !isLocal) this.#toProcess(this.#comesIn(to.node, "others", this.#packet.destination));
  }

  #fromPod(pod: Endpoint, node: string | null, isToOwnNode: boolean, isLocal: boolean): void {
    const { host, isDone } = this.#comesIn(node, "pods");
    this.#ask(pod, "egress", "normal");
    const { podToHost = "policy" } = this.#world;
    if (isToOwnNode && podToHost !== "policy")
      this.#hear({ action: podToHost, by: "__SETTING__|setting:podToHost|ingress|-1" });
    else if (isToOwnNode) this.#toProcess({ host, isDone });
    else if (!isDone) this.#ask(host, "ingress", "forward");
    if (!isLocal) this.#ask(this.#host(node, "out", "others"), "egress", "forward");
  }

  #fromProcess(node: string): void {
    const host = this.#host(node, "out", "others", this.#packet.source);
    const seen = this.#before(node);
    const isOpen = failsafe("egress", seen) !== undefined || failsafe("ingress", reversed(seen)) !== undefined;
    if (host?.interfaceName !== "*" && !isOpen && this.#ask(host, "egress", "untracked", seen)) return;
    if (!this.#ask(host, "egress", "failsafe")) this.#ask(host, "egress", "normal");
  }

  #toPod(pod: Endpoint, node: string | null, isLocal: boolean): void {
    if (!isLocal && !this.#comesIn(node, "others").isDone)
      this.#ask(this.#host(node, "in", "others"), "ingress", "forward");
    this.#ask(pod, "ingress", "normal");
    this.#ask(this.#host(node, "out", "pods"), "egress", "forward");
  }

  #toProcess({ host, isDone }: { readonly host: Endpoint | undefined; readonly isDone: boolean }): void {
    if (isDone || this.#ask(host, "ingress", "failsafe")) return;
    this.#ask(host, "ingress", "normal");
  }

  /** What is asked where it comes in, as long as its destination is not translated. `isDone`: it is allowed. */
  #comesIn(node: string | null, kind: "pods" | "others", own?: Address) {
    const host = this.#host(node, "in", kind, own);
    const seen = this.#before(node);
    const to = whoIs(this.#world, seen.destination);
    const isHere = node !== null && to.node === node;
    const isForHost = isHere && to.pod === undefined;
    const isFailsafe = isForHost && failsafe("ingress", seen) !== undefined;
    const isAnswer = isForHost && failsafe("egress", reversed(seen)) !== undefined;
    const isTracked = kind === "pods" || host?.interfaceName === "*" || (isHere && to.pod !== undefined);
    if (isFailsafe) return { host, isDone: false };
    const isUntracked = !isTracked && !isAnswer && this.#ask(host, "ingress", "untracked", seen);
    return { host, isDone: isUntracked || this.#ask(host, "ingress", "preDnat", seen) };
  }

  #before(node: string | null): Packet {
    const { translated } = this.#packet;
    return translated !== undefined && translated.node === node ? { ...this.#packet, ...translated } : this.#packet;
  }

  #host(node: string | null, side: "in" | "out", kind: "pods" | "others", own?: Address): Endpoint | undefined {
    return hostEndpointAt(this.#world, node, this.#packet.interfaces?.get(node ?? "")?.[side], kind, own);
  }

  /** Whether the list allows it. */
  #ask(endpoint: Endpoint | undefined, direction: Direction, list: Asked, seen = this.#packet): boolean {
    const answer = endpoint && ask(this.#world, endpoint, list, direction, seen);
    if (answer === undefined) return false;
    this.#hear(answer);
    return true;
  }

  #hear({ action, by }: Answer): void {
    this.last = ` ${by}`;
    if (action === "deny") throw new Denied();
  }
}

type Asked = PolicyListOfUsers | "failsafe";

function reversed(packet: Packet): Packet {
  return { ...packet, sourcePort: packet.destinationPort, destinationPort: packet.sourcePort };
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
  list: Asked,
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
  list: Asked,
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

import { type Address, familyOf } from "../core/address.ts";
import { PrefixTable } from "../core/prefix-table.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { Endpoint, Members, Placement, Stage } from "./placement.ts";
import type { Direction, Instruction, Match, PortRange, Program, SetId } from "./program.ts";
import { hasPorts } from "./protocol.ts";
import type { Evaluate, Packet, Path, Step, Verdict } from "./verdict.ts";

/**
 * Decides packets as the rendered ruleset does in the kernel: the property tests hold the two together.
 * Egress policy of the source is asked first; where it denies, ingress policy of the destination never sees the packet.
 */
export function evaluatorOf(program: Program, placement: Placement): Evaluate {
  const addresses = new AddressBook(placement);
  const sets = new Map([...placement.members].map(([id, members]) => [id, new SetIndex(members)]));
  const matcher = (match: Match, packet: Packet) => holds(match, packet, sets);
  const walk = (endpoint: Endpoint | undefined, direction: Direction, packet: Packet) =>
    endpoint === undefined ? null : pathOf(program, placement, endpoint, direction, packet, matcher);
  return (packet) => {
    const source = addresses.podAt(packet.source);
    const destination = addresses.podAt(packet.destination);
    if (source !== undefined && source === destination) return exempt("self");
    const egress = walk(source, "egress", packet);
    if (egress?.action === "deny") return { action: "deny", egress, ingress: null, hosts: [], exempt: null };
    if (destination !== undefined && addresses.isNode(packet.source, destination.node)) return exempt("own-node");
    const ingress = walk(destination, "ingress", packet);
    return { action: ingress?.action ?? "allow", egress, ingress, hosts: [], exempt: null };
  };
}

function exempt(reason: "self" | "own-node"): Verdict {
  return { action: "allow", egress: null, ingress: null, hosts: [], exempt: reason };
}

/** Who has an address. Pods that share their node's addresses are the node. */
class AddressBook {
  readonly #pods = new Map<Address, Endpoint>();
  readonly #nodes = new Map<Address, string>();

  constructor(placement: Placement) {
    for (const endpoint of placement.endpoints.values()) {
      if (endpoint.hostNetwork) continue;
      for (const address of endpoint.addresses) {
        if (endpoint.kind === "pod") this.#pods.set(address, endpoint);
        else if (endpoint.kind === "node") this.#nodes.set(address, endpoint.name);
      }
    }
  }

  podAt(address: Address): Endpoint | undefined {
    return this.#pods.get(address);
  }

  isNode(address: Address, node: string | null): boolean {
    return node !== null && this.#nodes.get(address) === node;
  }
}

type Holds = (match: Match, packet: Packet) => boolean;

function pathOf(
  program: Program,
  placement: Placement,
  endpoint: Endpoint,
  direction: Direction,
  packet: Packet,
  matcher: Holds,
): Path | null {
  const classId = placement.classOf.get(endpoint.id);
  const stages = classId === undefined ? [] : (placement.classes.get(classId)?.[direction] ?? []);
  if (stages.length === 0) return null;
  const steps: Step[] = [];
  for (const stage of stages) {
    const decided = throughStage(program, stage, packet, matcher, steps);
    if (decided !== null) return { endpoint: endpoint.id, direction, ...decided, steps };
  }
  // The last stage's default neither passes nor logs (compile.ts), so a packet that falls out means a broken Program.
  throw new Error(`no stage decided about ${endpoint.id} ${direction} in program ${program.revision}`);
}

interface Decision {
  readonly action: "allow" | "deny";
  readonly rule: RuleId;
}

/** Walks one stage, adding what was hit to `steps`; null where the packet goes on to the next. */
function throughStage(program: Program, stage: Stage, packet: Packet, matcher: Holds, steps: Step[]): Decision | null {
  for (const { block } of stage.blocks) {
    for (const instruction of program.blocks.get(block) ?? []) {
      if (!instruction.when.every((match) => matcher(match, packet))) continue;
      const outcome = take(instruction, steps);
      if (outcome !== "log") return outcome;
    }
  }
  const outcome = take(stage.otherwise, steps);
  return outcome === "log" ? null : outcome;
}

function take({ id, verdict }: Instruction, steps: Step[]): Decision | null | "log" {
  steps.push({ rule: id, action: verdict === "next" ? "pass" : verdict });
  switch (verdict) {
    case "allow":
    case "deny":
      return { action: verdict, rule: id };
    case "next":
      return null;
    case "log":
      return "log";
  }
}

function holds(match: Match, packet: Packet, sets: ReadonlyMap<SetId, SetIndex>): boolean {
  switch (match.field) {
    case "family":
      return familyOf(packet.destination) === match.is;
    case "protocol":
      return (packet.protocol === match.is) !== match.not;
    case "source":
    case "destination":
      return indexOf(sets, match.in).hasAddress(packet[match.field]) !== match.not;
    case "icmp":
      return icmpHolds(match, packet);
    case "sourcePort":
      return portHolds(match, packet, packet.source, packet.sourcePort, sets);
    case "destinationPort":
      return portHolds(match, packet, packet.destination, packet.destinationPort, sets);
  }
}

function icmpHolds(match: Extract<Match, { field: "icmp" }>, packet: Packet): boolean {
  if (packet.icmp === null) return false;
  const same = packet.icmp.type === match.type && (match.code === undefined || packet.icmp.code === match.code);
  return same !== match.not;
}

interface PortMatch {
  readonly ranges: readonly PortRange[];
  readonly named: readonly SetId[];
  readonly not: boolean;
}

function portHolds(
  match: PortMatch,
  packet: Packet,
  address: Address,
  port: number,
  sets: ReadonlyMap<SetId, SetIndex>,
) {
  if (!hasPorts(packet.protocol)) return false;
  const inRange = match.ranges.some(({ from, to }) => from <= port && port <= to);
  const found = inRange || match.named.some((id) => indexOf(sets, id).hasPort(address, packet.protocol, port));
  return found !== match.not;
}

function indexOf(sets: ReadonlyMap<SetId, SetIndex>, id: SetId): SetIndex {
  const index = sets.get(id);
  if (index === undefined) throw new Error(`the placement has no members of set ${id}`);
  return index;
}

/** The members of one set, ready for lookups. */
class SetIndex {
  readonly #addresses: ReadonlySet<Address>;
  readonly #cidrs = new PrefixTable<true>();
  readonly #ports: ReadonlySet<string>;

  constructor(members: Members) {
    this.#addresses = new Set(members.addresses);
    for (const cidr of members.cidrs) this.#cidrs.set(cidr, true);
    this.#ports = new Set(members.ports.map(({ address, protocol, port }) => `${address} ${protocol} ${port}`));
  }

  hasAddress(address: Address): boolean {
    return this.#addresses.has(address) || this.#cidrs.lookup(address) === true;
  }

  hasPort(address: Address, protocol: number, port: number): boolean {
    return this.#ports.has(`${address} ${protocol} ${port}`);
  }
}

import { type Family, familyOf } from "../core/address.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import { ruleTitle } from "../policy/explain.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import type { Program, RuleOrigin } from "../policy/program.ts";
import { protocolName } from "../policy/protocol.ts";
import type { Situation } from "../policy/space/situation.ts";
import type { Packet, Verdict } from "../policy/verdict.ts";
import { Whereabouts } from "../policy/whereabouts.ts";
import type { GuardedPath } from "./guarded-path.ts";
import type { PathEnds, Stop } from "./path-ends.ts";

/** A path that would close. */
export interface ClosedPath {
  readonly path: string;
  /** `DNS: pod shop/web -> pod kube-system/coredns udp/53 (and 11 more) by GlobalNetworkPolicy security.x, rule 0` */
  readonly sentence: string;
}

/**
 * Which of these paths are open in the one situation and not in the next, each rule that closes one told once. For those who are there
 * in the first, whom `ends` follows: who is new has no path that could close.
 */
export function closedPaths(
  paths: readonly GuardedPath[],
  ends: PathEnds,
  good: Situation,
  next: Situation,
): readonly ClosedPath[] {
  const [before, after] = [judgeOf(good), judgeOf(next)];
  const asked = askedOf(ends, good, next);
  const closed = new Map<string, Closed>();
  for (const path of paths)
    for (const [from, to] of pairsOf(asked(ends.of(path.from)), asked(ends.of(path.to)))) {
      const packet = packetOf(path, from, to);
      if (before(packet).action === "deny") continue;
      const verdict = after(packet);
      if (verdict.action === "allow") continue;
      const by = deciderOf(verdict, next.program);
      const key = `${path.name} ${by}`;
      const known = closed.get(key) ?? { path, from, to, by, count: 0 };
      closed.set(key, { ...known, count: known.count + 1 });
    }
  return [...closed.values()].map((one) => ({ path: one.path.name, sentence: sentenceOf(one) }));
}

/** One end, and whether it is a reason to ask about a path. */
interface Asked {
  readonly stop: Stop;
  readonly family: Family;
  /** Another class of it, or other host endpoints, may have changed something. */
  readonly isOther: boolean;
  /** What neither end is here is judged where they are. */
  readonly isOurs: boolean;
}

/** For ends of the same classes as before nothing has changed: classes are named after what is in them. */
function askedOf({ isHere }: PathEnds, good: Situation, next: Situation): (stops: readonly Stop[]) => readonly Asked[] {
  const isSame = ({ id }: Endpoint) => good.placement.classOf.get(id) === next.placement.classOf.get(id);
  const hosts = [...Whereabouts.of(next.placement.endpoints).hosts.values()].flat();
  const areHostsSame = hosts.every(isSame);
  const known = new Map<Stop, Asked>();
  const made = (stop: Stop): Asked => {
    const { address, endpoint } = stop;
    const isOther = !areHostsSame || (endpoint?.kind === "pod" && !isSame(endpoint));
    const isOurs = endpoint?.node != null && isHere(endpoint.node);
    return { stop, family: familyOf(address), isOther, isOurs };
  };
  const askedOne = (stop: Stop): Asked => {
    const found = known.get(stop) ?? made(stop);
    known.set(stop, found);
    return found;
  };
  // Every pod and every node are ends of several paths.
  const lists = new Map<readonly Stop[], readonly Asked[]>();
  return (stops) => {
    const found = lists.get(stops) ?? stops.map(askedOne);
    lists.set(stops, found);
    return found;
  };
}

function* pairsOf(sources: readonly Asked[], targets: readonly Asked[]): Generator<readonly [Stop, Stop]> {
  const [otherTargets, ourTargets] = [targets.filter((to) => to.isOther), targets.filter((to) => to.isOurs)];
  for (const from of sources) {
    // Who is neither another nor ours asks about targets that are both.
    const some = from.isOther ? (from.isOurs ? targets : ourTargets) : otherTargets;
    for (const to of some) if (from.family === to.family && (from.isOurs || to.isOurs)) yield [from.stop, to.stop];
  }
}

// What is judged now is mostly what the next change is compared with.
const judges = new WeakMap<Placement, { readonly program: Program; readonly judge: Judge }>();

function judgeOf({ program, placement }: Situation): Judge {
  const known = judges.get(placement);
  if (known?.program === program) return known.judge;
  const judge = evaluatorOf(program, placement);
  judges.set(placement, { program, judge });
  return judge;
}

type Judge = (packet: Packet) => Verdict;

interface Closed {
  readonly path: GuardedPath;
  readonly from: Stop;
  readonly to: Stop;
  readonly by: string;
  readonly count: number;
}

function sentenceOf({ path, from, to, by, count }: Closed): string {
  const more = count > 1 ? ` (and ${count - 1} more)` : "";
  return `${path.name}: ${from.words} -> ${to.words} ${protocolName(path.protocol).toLowerCase()}/${path.port}${more} by ${by}`;
}

function deciderOf({ egress, ingress, hosts }: Verdict, { rules }: Program): string {
  const denying = [...hosts, egress, ingress].find((path) => path?.action === "deny");
  const origin: RuleOrigin | undefined =
    denying?.rule === undefined || denying.rule === null ? undefined : rules.get(denying.rule);
  return origin === undefined ? "no policy" : ruleTitle(origin);
}

function packetOf({ protocol, port }: GuardedPath, from: Stop, to: Stop): Packet {
  const [source, destination] = [from.address, to.address];
  return { source, destination, protocol, sourcePort: anyPort, destinationPort: port, icmp: null };
}

// Of those that clients get (ip_local_port_range).
const anyPort = 45_000;

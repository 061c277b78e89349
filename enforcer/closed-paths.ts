import { familyOf } from "../core/address.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import { ruleTitle } from "../policy/explain.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import type { Program, RuleOrigin } from "../policy/program.ts";
import { protocolName } from "../policy/protocol.ts";
import type { Situation } from "../policy/space/situation.ts";
import type { Packet, Verdict } from "../policy/verdict.ts";
import type { GuardedPath } from "./guarded-path.ts";
import { PathEnds, type Stop } from "./path-ends.ts";

/** A path that would close. */
export interface ClosedPath {
  readonly path: string;
  /** `DNS: pod shop/web -> pod kube-system/coredns udp/53 (and 11 more) by GlobalNetworkPolicy security.x, rule 0` */
  readonly sentence: string;
}

/**
 * Which of these paths are open in the one situation and not in the next, each rule that closes one told once. For those who are there
 * in the first: who is new has no path that could close. `isHere` as PathEnds.
 */
export function closedPaths(
  paths: readonly GuardedPath[],
  good: Situation,
  next: Situation,
  isHere: (node: string) => boolean,
): readonly ClosedPath[] {
  const ends = new PathEnds(good.placement, isHere);
  const [before, after] = [judgeOf(good), judgeOf(next)];
  const concerns = concernOf(good, next, isHere);
  const closed = new Map<string, Closed>();
  for (const path of paths) {
    const targets = ends.of(path.to);
    for (const from of ends.of(path.from))
      for (const to of targets) {
        if (familyOf(from.address) !== familyOf(to.address) || !concerns(from, to)) continue;
        const packet = packetOf(path, from, to);
        if (before(packet).action === "deny") continue;
        const verdict = after(packet);
        if (verdict.action === "allow") continue;
        const by = deciderOf(verdict, next.program);
        const key = `${path.name} ${by}`;
        const known = closed.get(key) ?? { path, from, to, by, count: 0 };
        closed.set(key, { ...known, count: known.count + 1 });
      }
  }
  return [...closed.values()].map((one) => ({ path: one.path.name, sentence: sentenceOf(one) }));
}

/**
 * Whether it needs to be asked about two ends: what neither is here is judged where they are, and for ends of the same classes as
 * before nothing has changed. Classes are named after what is in them. Where host endpoints are of other classes, everything is asked.
 */
function concernOf(good: Situation, next: Situation, isHere: (node: string) => boolean) {
  const isSame = ({ id }: Endpoint) => good.placement.classOf.get(id) === next.placement.classOf.get(id);
  const hosts = [...next.placement.endpoints.values()].filter(({ kind }) => kind === "host");
  const areHostsSame = hosts.every(isSame);
  const isOurs = ({ endpoint }: Stop) => endpoint !== null && endpoint.node !== null && isHere(endpoint.node);
  const isOther = ({ endpoint }: Stop) => endpoint?.kind === "pod" && !isSame(endpoint);
  return (from: Stop, to: Stop): boolean =>
    (!areHostsSame || isOther(from) || isOther(to)) && (isOurs(from) || isOurs(to));
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

// Whose connections a change may forbid, so that not all of them are judged each time a pod comes or goes.
import type { Address, Cidr } from "../core/address.ts";
import type { Endpoint, Members, Placement } from "../policy/placement.ts";
import type { Connection } from "./conntrack.ts";
import type { Enforced } from "./enforced.ts";
import { governanceText } from "./own-placement.ts";

/** Of whom a connection may have become a forbidden one. */
export type Concern = "all" | ReadonlySet<Address>;

export const nobody: Concern = new Set<Address>();

/**
 * Whose connections may be judged otherwise than before. While policies stay, a verdict changes only with who one of the ends is: their
 * labels, ports and services; that of all others stays.
 */
export function concernOf(before: Enforced | undefined, after: Enforced, node: string): Concern {
  if (before === undefined || before.program.revision !== after.program.revision) return "all";
  if (!haveSameText(before.podCidrs, after.podCidrs)) return "all";
  // A host endpoint governs whatever crosses its interface.
  if (governanceText(before, node) !== governanceText(after, node)) return "all";
  if (before.placement === after.placement) return nobody;
  const changed = [...changedEndpoints(before.placement, after.placement)];
  // Whom a network set means, only its CIDRs tell.
  if (changed.some(({ kind }) => kind === "set")) return "all";
  const backends = changedBackends(before, after).flatMap(addressesOf);
  return new Set([...changed.flatMap(({ addresses }) => addresses), ...backends]);
}

/** Together: "all", or those of both. */
export function union(a: Concern, b: Concern): Concern {
  if (a === "all" || b === "all") return "all";
  return a.size === 0 ? b : new Set([...a, ...b]);
}

export function isNobody(concern: Concern): boolean {
  return concern !== "all" && concern.size === 0;
}

export function isConcerned({ original, reply }: Connection, concern: Concern): boolean {
  return concern === "all" || concern.has(original.source) || concern.has(reply.source);
}

/** Endpoints that came, went or are others, as they were and as they are. Those that stay are the very same objects. */
function* changedEndpoints(before: Placement, after: Placement): Generator<Endpoint> {
  let stayed = 0;
  for (const [id, endpoint] of after.endpoints) {
    const earlier = before.endpoints.get(id);
    if (earlier !== undefined) stayed += 1;
    if (earlier === endpoint && before.classOf.get(id) === after.classOf.get(id)) continue;
    yield endpoint;
    if (earlier !== undefined) yield earlier;
  }
  if (stayed === before.endpoints.size) return;
  for (const [id, endpoint] of before.endpoints) if (!after.endpoints.has(id)) yield endpoint;
}

/** Members of sets that no endpoint's change changes: those of services. */
function changedBackends(before: Enforced, after: Enforced): readonly Members[] {
  const services = [...after.program.sets].filter(([, { kind }]) => kind === "service");
  return services.flatMap(([id]) => {
    const [was, is] = [before.placement.members.get(id), after.placement.members.get(id)];
    return was === is ? [] : [was, is].filter((members) => members !== undefined);
  });
}

function addressesOf({ addresses, ports }: Members): readonly Address[] {
  return [...addresses, ...ports.map(({ address }) => address)];
}

function haveSameText(a: readonly Cidr[], b: readonly Cidr[]): boolean {
  return a.length === b.length && a.every(({ text }, index) => text === b[index]?.text);
}

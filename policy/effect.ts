import type { Family } from "../core/address.ts";
import { type Alike, alikeOf } from "./effect/alike.ts";
import { connectionWords } from "./effect/connection-words.ts";
import { isPolicy } from "./effect/decider.ts";
import { type Delta, deltasOf } from "./effect/deltas.ts";
import { joinFamilies } from "./effect/families.ts";
import { Everybody } from "./effect/group.ts";
import { Parties, type Party } from "./effect/party.ts";
import { policyTitle } from "./kind-names.ts";
import type { RuleOrigin } from "./program.ts";
import type { Atom } from "./space/atoms.ts";
import { type Box, boxesOf } from "./space/connections.ts";
import { OutOfPatience, type Patience, patienceOf } from "./space/patience.ts";
import type { Situation } from "./space/situation.ts";
import { Space } from "./space/space.ts";

/** What a change opens and closes, all of it; the widest changes in words. */
export interface Effect {
  readonly changes: readonly EffectChange[];
  /** Further changes that were left out for length. */
  readonly folded: { readonly opens: number; readonly closes: number };
  /** Policies that have rules in one situation which they have not in the other, e.g. `NetworkPolicy shop/app.web`. */
  readonly policies: readonly string[];
  /** By whose word connections are decided as before, where nothing changes; null where something does. */
  readonly alike: Alike | null;
}

/**
 * Connections that everyone in one group gained or lost to everyone in another. Exempt pairs are not meant: a pod always reaches itself,
 * and a node the pods that run on it.
 */
export interface EffectChange {
  readonly kind: "opens" | "closes";
  readonly from: Party;
  readonly to: Party;
  /** Between addresses of one family only; null: of all that both have. */
  readonly family: Family | null;
  readonly boxes: readonly Box[];
  /** e.g. `TCP 80 and 443` */
  readonly words: string;
}

const defaultLimit = 20;

/** Exact, over all endpoints, addresses outside, protocols, ports and types of ICMP there are. */
export function effectOf(before: Situation, after: Situation, { limit = defaultLimit } = {}): Effect {
  return workOut(before, after, limit, patienceOf(forEver));
}

const forEver = () => true;

/** The same; undefined if `goOn`, which is asked every few milliseconds, says no before it is worked out. */
export function effectWhile(
  goOn: () => boolean,
  before: Situation,
  after: Situation,
  { limit = defaultLimit } = {},
): Effect | undefined {
  try {
    return workOut(before, after, limit, patienceOf(goOn));
  } catch (thrown) {
    if (thrown instanceof OutOfPatience) return undefined;
    throw thrown;
  }
}

function workOut(before: Situation, after: Situation, limit: number, patience: Patience): Effect {
  const space = new Space(before, after);
  const everybody = new Everybody([before, after], space.atoms);
  const real = deltasOf(space, patience).filter((delta) => hasPair(space, delta));
  const all = joinFamilies(real, everybody, patience).toSorted((a, b) => order(a) - order(b) || weight(b) - weight(a));
  const parties = new Parties(everybody);
  const told = all.slice(0, limit).map((delta) => changeOf(delta, { space, everybody, parties }));
  const rest = all.slice(limit);
  const opens = rest.filter(({ kind }) => kind === "opens").length;
  const policies = policiesOf(before, after);
  const change = { situations: [before, after], everybody, policies };
  return {
    changes: told,
    folded: { opens, closes: rest.length - opens },
    policies: policies.map(policyTitle),
    alike: all.length > 0 ? null : alikeOf(space, change, limit),
  };
}

/** By title. */
function policiesOf(before: Situation, after: Situation): readonly RuleOrigin[] {
  const [old, now] = [before.program.rules, after.program.rules];
  const differing = [...old, ...now].filter(([id, origin]) => old.has(id) !== now.has(id) && isPolicy(origin));
  const byTitle = new Map(differing.map(([, origin]) => [policyTitle(origin), origin]));
  return [...byTitle].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, origin]) => origin);
}

interface Surroundings {
  readonly space: Space;
  readonly everybody: Everybody;
  readonly parties: Parties;
}

function changeOf({ kind, connections, ...sides }: Delta, { space, everybody, parties }: Surroundings): EffectChange {
  const partyOf = (atoms: readonly Atom[], others: readonly Atom[], meets: (one: Atom, other: Atom) => boolean) => {
    const party = parties.of(everybody.groupOf(atoms));
    const real = atoms.filter((atom) => others.some((other) => meets(atom, other)));
    const exact = real.length === atoms.length ? party : parties.of(everybody.groupOf(real));
    return exact.words.length < party.words.length ? exact : party;
  };
  const meets = (source: Atom, destination: Atom) => space.pairOf(source, destination) !== undefined;
  const from = partyOf(sides.sources, sides.destinations, meets);
  const to = partyOf(sides.destinations, sides.sources, (destination, source) => meets(source, destination));
  const family = familyWorthTelling(from, to, everybody);
  return { kind, from, to, family, boxes: boxesOf(connections), words: connectionWords(connections, space.sets) };
}

/** The family of both, if both ends could have talked over the other one as well. */
function familyWorthTelling(from: Party, to: Party, everybody: Everybody): Family | null {
  const [family, another] = from.group.families;
  if (family === undefined || another !== undefined) return null;
  const other: Family = family === 4 ? 6 : 4;
  const could = ({ group, networks }: Party) =>
    networks.sense === "but" || group.endpoints.some((endpoint) => everybody.hasFamily(endpoint, other));
  return could(from) && could(to) ? family : null;
}

/** Whether it is about anybody: pairs that are exempt do not count. */
function hasPair(space: Space, { sources, destinations }: Delta): boolean {
  return sources.some((source) => destinations.some((destination) => space.pairOf(source, destination) !== undefined));
}

/** What opens comes first. */
function order({ kind }: Delta): number {
  return kind === "opens" ? 0 : 1;
}

/** More than any cluster has pods: what concerns the world outside matters most. */
const world = 1e6;

/** How many pairs it is about. */
function weight({ sources, destinations }: Delta): number {
  const size = (atoms: Delta["sources"]) =>
    atoms.reduce((sum, { addresses, ranges }) => sum + addresses.length + (ranges.length > 0 ? world : 0), 0);
  return size(sources) * size(destinations);
}

import { policyTitle } from "../kind-names.ts";
import type { Share } from "../space/shares.ts";
import type { Situation } from "../space/situation.ts";
import type { Space } from "../space/space.ts";
import { type ConnectionExample, connectionExample } from "./connection-example.ts";
import { cover } from "./cover.ts";
import { type Decider, deciderKey } from "./decider.ts";
import type { Everybody } from "./group.ts";
import { type Handover, Handovers } from "./handover.ts";
import { type SeenHandover, seenHandovers } from "./seen-handovers.ts";

/** Why a change of policies changes nothing: by whose word connections are decided alike. */
export interface Alike {
  /** What each of some decided before, each of others decides now. */
  readonly takeovers: readonly Takeover[];
  /** Policies that would decide so if another one did not deny before; where they differ they never have a say. */
  readonly overruled: readonly Takeover[];
  /** Further ones of both that were left out for length. */
  readonly folded: number;
  /** Policies that decide what they decided, some of it by other rules. */
  readonly restated: readonly Named[];
  /** Policies with rules that only one situation has, none of which has anything to do. */
  readonly idle: readonly Named[];
}

export interface Takeover {
  readonly action: Share["action"];
  readonly was: readonly Decider[];
  readonly now: readonly Decider[];
  readonly example: ConnectionExample;
}

type Named = Pick<Decider, "kind" | "namespace" | "name">;

interface Change {
  readonly situations: readonly Situation[];
  readonly everybody: Everybody;
  /** Policies with rules that only one situation has. */
  readonly policies: readonly Named[];
}

/** For situations that allow the same. Exact, as the effect is. */
export function alikeOf(space: Space, { situations, everybody, policies }: Change, limit: number): Alike {
  const handovers = new Handovers(...situations.map(({ program }) => program.rules));
  const seen = seenHandovers(space, handovers, everybody);
  const taken = ofKind(seen, "taken");
  const exchanging = titles(taken.flatMap(({ was, now }) => [was, now]));
  const others = seen.filter(({ was, kind }) => kind !== "taken" && !exchanging.has(policyTitle(was)));
  const restated = ofKind(others, "restated");
  const deciding = titles(restated.map(({ was }) => was));
  const overruled = ofKind(others, "overruled").filter(({ was }) => !deciding.has(policyTitle(was)));
  const busy = new Set([...exchanging, ...deciding, ...titles(overruled.map(({ was }) => was))]);
  const told = [...joined(taken), ...joined(overruled)];
  const takeovers = (kind: Handover["kind"]) =>
    told
      .slice(0, limit)
      .filter(([first]) => first?.kind === kind)
      .map((group) => takeoverOf(group, everybody));
  return {
    takeovers: takeovers("taken"),
    overruled: takeovers("overruled"),
    folded: Math.max(0, told.length - limit),
    restated: distinct(restated.map(({ was }) => was)),
    idle: policies.filter((policy) => !busy.has(policyTitle(policy))),
  };
}

const ofKind = (seen: readonly SeenHandover[], kind: Handover["kind"]) => seen.filter((one) => one.kind === kind);

const titles = (deciders: readonly Decider[]): ReadonlySet<string> => new Set(deciders.map(policyTitle));

/** Never empty. */
type Group = readonly SeenHandover[];

function takeoverOf(group: Group, everybody: Everybody): Takeover {
  const best = group.reduce((best, one) => (one.pods > best.pods ? one : best));
  return {
    action: best.action,
    was: distinct(group.map(({ was }) => was)),
    now: distinct(group.map(({ now }) => now)),
    example: connectionExample(best.pair, best.connections, everybody),
  };
}

function distinct(deciders: readonly Decider[]): readonly Decider[] {
  const byKey = new Map(deciders.map((decider) => [deciderKey(decider), decider]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, decider]) => decider);
}

/** Together those who hand over to the same, or to whom the same hand over. Denials come first: they are what people would miss. */
function joined(seen: readonly SeenHandover[]): readonly Group[] {
  const isDenial = ({ action }: SeenHandover) => action === "deny";
  return [seen.filter(isDenial), seen.filter((one) => !isDenial(one))].flatMap((some) => {
    const keys = distinct(some.flatMap(({ was, now }) => [was, now])).map(deciderKey);
    const places = new Map(keys.map((key, place) => [key, place]));
    const cells = some
      .map((one) => ({ one, row: places.get(deciderKey(one.was)) ?? 0, column: places.get(deciderKey(one.now)) ?? 0 }))
      .toSorted((a, b) => a.row - b.row || a.column - b.column);
    const rows = [...Map.groupBy(cells, ({ row }) => row)];
    const relation = new Map(rows.map(([row, own]) => [row, own.map(({ column }) => column)]));
    return cover(relation).map(({ rows, columns }) =>
      cells.filter(({ row, column }) => rows.includes(row) && columns.includes(column)).map(({ one }) => one),
    );
  });
}

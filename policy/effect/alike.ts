import { policyTitle } from "../kind-names.ts";
import type { Share } from "../space/shares.ts";
import type { Situation } from "../space/situation.ts";
import type { Space } from "../space/space.ts";
import { type ConnectionExample, connectionExample } from "./connection-example.ts";
import { cover } from "./cover.ts";
import { type Decider, deciderKey } from "./decider.ts";
import type { Everybody } from "./group.ts";
import { Handovers } from "./handover.ts";
import { type SeenHandover, seenHandovers } from "./seen-handovers.ts";

/** Why a change of policies changes nothing: by whose word connections are decided alike. */
export interface Alike {
  readonly takeovers: readonly Takeover[];
  /** Further takeovers that were left out for length. */
  readonly folded: number;
  /** Policies that decide some connections by other rules than before, e.g. `NetworkPolicy shop/app.web`. */
  readonly restated: readonly string[];
  /** Policies with rules that only one situation has, none of which decides any connection. */
  readonly idle: readonly string[];
}

/** Connections that each of some decided before and each of others decides now; all of them alike. */
export interface Takeover {
  readonly action: Share["action"];
  readonly was: readonly Decider[];
  readonly now: readonly Decider[];
  readonly example: ConnectionExample;
}

interface Change {
  readonly situations: readonly Situation[];
  readonly everybody: Everybody;
  /** Titles of policies with rules that only one situation has. */
  readonly policies: readonly string[];
}

/** For situations that allow the same. Exact, as the effect is. */
export function alikeOf(space: Space, { situations, everybody, policies }: Change, limit: number): Alike {
  const handovers = new Handovers(...situations.map(({ program }) => program.rules));
  const seen = seenHandovers(space, handovers, everybody);
  const isRestated = ({ was, now }: SeenHandover) => deciderKey(was) === deciderKey(now);
  const groups = joined(seen.filter((one) => !isRestated(one)));
  const named = new Set(seen.flatMap(({ was, now }) => [policyTitle(was), policyTitle(now)]));
  return {
    takeovers: groups.slice(0, limit).map((group) => takeoverOf(group, everybody)),
    folded: Math.max(0, groups.length - limit),
    restated: [...new Set(seen.filter(isRestated).map(({ was }) => policyTitle(was)))].sort(),
    idle: policies.filter((title) => !named.has(title)),
  };
}

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

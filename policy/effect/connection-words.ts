import type { PortRange } from "../program.ts";
import { hasPorts, protocolName } from "../protocol.ts";
import { boxesOf, type ConnectionSets, type Connections, isIcmp, usableRangeOf } from "../space/connections.ts";
import { type Span, spansOf } from "../space/spans.ts";
import { listed, rangeWords } from "./words.ts";

/** More than these are counted only. */
const maxItems = 6;

/** `everything`, `TCP 80 and 443`, `everything but ICMP`: the connections, or what they leave out where that is shorter. */
export function connectionWords(connections: Connections, sets: ConnectionSets): string {
  if (connections === sets.usable) return "everything";
  const rest = sets.subtract(sets.usable, connections);
  const isShorter = boxesOf(rest).length < boxesOf(connections).length;
  return isShorter ? `everything but ${listed(itemsOf(rest), maxItems)}` : listed(itemsOf(connections), maxItems);
}

/** Protocols of which the same ports are meant are named together. */
function itemsOf({ points }: Connections): readonly string[] {
  const spans = spansOf(points).map((span) => ({ names: namesOf(span), details: detailsOf(span) }));
  const alike = Map.groupBy(spans, ({ details }) => details.join());
  return [...alike.values()].flatMap((group) => {
    const names = listed(group.map(({ names }) => names));
    const details = group[0]?.details ?? [];
    return details.length === 0 ? group.map(({ names }) => names) : details.map((detail) => `${names} ${detail}`);
  });
}

function namesOf({ from, to }: Span): string {
  if (from !== to) return `protocols ${from}-${to}`;
  const name = protocolName(from);
  return name === String(from) ? `protocol ${from}` : name;
}

/** What of a protocol is meant; empty if it is all. */
function detailsOf({ from, inside }: Span): readonly string[] {
  const range = usableRangeOf(from);
  if (hasPorts(from)) return spansOf(inside).flatMap((span) => portDetails(span, range));
  if (!isIcmp(from)) return [];
  return spansOf(inside).flatMap((types) =>
    spansOf(types.inside).flatMap((codes) => {
      if (isWhole(types, range) && isWhole(codes, range)) return [];
      const code = isWhole(codes, range) ? "" : ` code ${rangeWords(codes)}`;
      return [`type ${rangeWords(types)}${code}`];
    }),
  );
}

function portDetails(sources: Span, range: PortRange): readonly string[] {
  const spans = spansOf(sources.inside);
  const ports = spans.every((span) => isWhole(span, range)) ? "" : listed(spans.map(rangeWords), maxItems);
  if (isWhole(sources, range)) return ports === "" ? [] : [ports];
  return [`${ports === "" ? "" : `${ports} `}from source port ${rangeWords(sources)}`];
}

function isWhole(span: { readonly from: number; readonly to: number }, { from, to }: PortRange): boolean {
  return span.from === from && span.to === to;
}

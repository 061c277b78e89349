import { familyOf } from "../core/address.ts";
import { describeSelector, nounOf } from "./describe-selector.ts";
import type { Match, PortRange, Program, SetDefinition, SetId } from "./program.ts";
import { hasPorts, protocolName } from "./protocol.ts";
import { parseSelector } from "./selector/parse.ts";
import type { Packet } from "./verdict.ts";

/** Why a condition does not hold for a packet: `the destination is not in 10.0.0.0/8`. */
export function explainFailure(match: Match, packet: Packet, sets: Program["sets"]): string {
  switch (match.field) {
    case "family":
      return `it is IPv${familyOf(packet.destination)}, not IPv${match.is}`;
    case "protocol":
      return match.not
        ? `the protocol is ${protocolName(match.is)}`
        : `the protocol is ${protocolName(packet.protocol)}, not ${protocolName(match.is)}`;
    case "source":
    case "destination":
      return `the ${match.field} is ${match.not ? "" : "not "}${setWords(sets.get(match.in))}`;
    case "icmp":
      return icmpWords(match, packet);
    case "sourcePort":
      return portWords(match, "source port", packet.sourcePort, packet, sets);
    case "destinationPort":
      return portWords(match, "port", packet.destinationPort, packet, sets);
  }
}

function icmpWords(match: Extract<Match, { field: "icmp" }>, { icmp }: Packet): string {
  const wanted = `type ${match.type}${match.code === undefined ? "" : ` code ${match.code}`}`;
  if (icmp === null) return "it is not ICMP";
  return match.not ? `it is ${wanted}` : `it is type ${icmp.type} code ${icmp.code}, not ${wanted}`;
}

type PortMatch = Extract<Match, { field: "sourcePort" | "destinationPort" }>;

function portWords(match: PortMatch, what: string, port: number, packet: Packet, sets: Program["sets"]): string {
  if (!hasPorts(packet.protocol)) return `${protocolName(packet.protocol)} has no ports`;
  const wanted = [...match.ranges.map(rangeText), ...match.named.map((id) => namedText(sets, id))].join(" or ");
  return match.not ? `${what} ${port} is among ${wanted}` : `${what} ${port} is not ${wanted}`;
}

const rangeText = ({ from, to }: PortRange) => (from === to ? String(from) : `${from}-${to}`);

function namedText(sets: Program["sets"], id: SetId): string {
  const definition = sets.get(id);
  if (definition?.kind === "port") return `called "${definition.port}"`;
  if (definition?.kind === "service") return `a port of Service ${definition.namespace}/${definition.name}`;
  return "a named port";
}

/** After "is" or "is not". */
function setWords(definition: SetDefinition | undefined): string {
  if (definition === undefined) return "in the set";
  switch (definition.kind) {
    case "cidrs":
      return `in ${cidrsText(definition.cidrs.map(({ text }) => text))}`;
    case "selector": {
      const selector = parseSelector(definition.selector, Number.POSITIVE_INFINITY);
      return `among the ${nounOf(selector)} ${describeSelector(selector)}`.trimEnd();
    }
    case "nodes": {
      const selector = parseSelector(definition.selector, Number.POSITIVE_INFINITY);
      return `a node ${describeSelector(selector)}`.trimEnd();
    }
    case "service":
      return `behind Service ${definition.namespace}/${definition.name}`;
    case "port":
      return `one that declares port "${definition.port}"`;
  }
}

/** A list says no more than its beginning. */
function cidrsText(texts: readonly string[]): string {
  const shown = texts.slice(0, 5).join(", ");
  return texts.length > 5 ? `${shown} and ${texts.length - 5} more` : shown;
}

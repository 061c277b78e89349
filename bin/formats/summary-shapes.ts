import { protocolNames } from "../../core/filter/values.ts";
import type { Count, Pair } from "../../core/flow-store.ts";
import { bytesText, countText } from "../../sinks/live/text.ts";
import type { Shape } from "./format.ts";

export const pairShape: Shape<Pair> = {
  objectOf: (pair) => ({
    type: "pair",
    source: pair.source,
    destination: pair.destination,
    protocol: pair.protocol,
    port: pair.port,
    verdict: pair.verdict,
    connections: pair.connections,
    packets: pair.packets,
    bytes: pair.bytes,
  }),
  nameOf: ({ source, destination }) => `${source} ${destination}`,
  columns: [
    { header: "verdict", cell: ({ verdict }) => verdict, text: ({ verdict }) => verdictWords[verdict] },
    { header: "source", cell: ({ source }) => source },
    { header: "destination", cell: ({ destination }) => destination },
    { header: "protocol", cell: ({ protocol }) => protocolNames.get(protocol) ?? String(protocol) },
    { header: "port", cell: ({ port }) => port, text: ({ port }) => (port === 0 ? "-" : String(port)) },
    { header: "connections", cell: ({ connections }) => connections },
    { header: "packets", cell: ({ packets }) => packets, text: ({ packets }) => countText(packets) },
    { header: "bytes", cell: ({ bytes }) => bytes, text: ({ bytes }) => bytesText(bytes) },
  ],
};

/** As in the table of flows: the word and a sign. */
const verdictWords: Readonly<Record<Pair["verdict"], string>> = {
  allow: "✓ ALLOW",
  deny: "✗ DENY",
  unknown: "? UNKNOWN",
};

export function countShape(field: string): Shape<Count> {
  return {
    objectOf: ({ value, connections, bytes }) => ({ type: "count", field, value, connections, bytes }),
    nameOf: ({ value }) => value,
    columns: [
      { header: field, cell: ({ value }) => value },
      { header: "connections", cell: ({ connections }) => connections },
      { header: "bytes", cell: ({ bytes }) => bytes, text: ({ bytes }) => bytesText(bytes) },
    ],
  };
}

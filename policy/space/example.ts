import type { PortRange } from "../program.ts";
import { hasPorts } from "../protocol.ts";
import type { Packet } from "../verdict.ts";
import { type Box, isIcmp } from "./connections.ts";

/** A port that clients use, where there is a choice. */
const clientPort = 40_000;

type Connection = Omit<Packet, "source" | "destination">;

/** One connection of a box, as a packet has it. */
export function exampleIn({ protocol, first, second }: Box): Connection {
  const number = protocol.from;
  return {
    protocol: number,
    sourcePort: hasPorts(number) ? preferred(clientPort, first) : 0,
    destinationPort: hasPorts(number) ? second.from : 0,
    icmp: isIcmp(number) ? { type: first.from, code: second.from } : null,
  };
}

/** One to the first of the wanted ports that one of the boxes has, else one of the first box. */
export function likelyExample(
  boxes: readonly Box[],
  wanted: readonly { readonly protocol: number; readonly port: number }[],
): Connection {
  for (const { protocol, port } of wanted) {
    const box = boxes.find((box) => isWithin(protocol, box.protocol) && isWithin(port, box.second));
    if (box !== undefined && hasPorts(protocol))
      return exampleIn({ ...box, protocol: only(protocol), second: only(port) });
  }
  const [first] = boxes;
  if (first === undefined) throw new Error("an example of nothing");
  return exampleIn(first);
}

const only = (number: number): PortRange => ({ from: number, to: number });

function preferred(number: number, range: PortRange): number {
  return isWithin(number, range) ? number : range.from;
}

function isWithin(number: number, { from, to }: PortRange): boolean {
  return from <= number && number <= to;
}

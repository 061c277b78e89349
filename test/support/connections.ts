import { parseAddress } from "../../core/address.ts";
import type { Connection } from "../../enforcer/conntrack.ts";
import type { Packet } from "../../policy/verdict.ts";

/** Ends as `address port`; what is translated is named beside. */
export interface Ends {
  readonly from: string;
  readonly to: string;
  /** Where the destination is translated to. */
  readonly dnat?: string;
  /** What the source is translated to. */
  readonly snat?: string;
  readonly protocol?: number;
  /** Type of ICMP. */
  readonly icmp?: number;
  readonly isExpected?: boolean;
  /** Interfaces behind which who opened it and who answers are. */
  readonly links?: readonly [from: string | null, to: string | null];
}

let made = 0;

/** A connection with an id of its own. */
export function connection({
  from,
  to,
  dnat,
  snat,
  protocol = 6,
  icmp,
  isExpected = false,
  links = [null, null],
}: Ends): Connection {
  const [source, destination] = [end(from), end(to)];
  const [answerer, asker] = [end(dnat ?? to), end(snat ?? from)];
  made += 1;
  return {
    id: made,
    zone: 0,
    original: {
      protocol,
      source: source.address,
      sourcePort: source.port,
      destination: destination.address,
      destinationPort: destination.port,
      icmpType: icmp ?? -1,
      icmpCode: icmp === undefined ? -1 : 0,
      icmpId: icmp === undefined ? -1 : 1,
      zone: 0,
    },
    reply: {
      source: answerer.address,
      sourcePort: answerer.port,
      destination: asker.address,
      destinationPort: asker.port,
    },
    isExpected,
    sourceLink: links[0],
    destinationLink: links[1],
  };
}

/** The connection that a packet opened. */
export function connectionOf({ source, destination, icmp, ...packet }: Packet): Connection {
  const { protocol, sourcePort, destinationPort } = packet;
  const opened = connection({ from: `${source} ${sourcePort}`, to: `${destination} ${destinationPort}`, protocol });
  if (icmp === null) return opened;
  return { ...opened, original: { ...opened.original, icmpType: icmp.type, icmpCode: icmp.code, icmpId: 1 } };
}

function end(text: string) {
  const [address = "", port = "0"] = text.split(" ");
  return { address: parseAddress(address), port: Number(port) };
}

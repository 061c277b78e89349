// Packets as they are, to be run inside a network namespace: raw-traffic.ts JSON, a list of Sending. Each is a packet's headers and what
// follows, sent so many times; what the kernel of the namespace itself knows of connections does not matter.
import { familyOf, parseAddress } from "../../core/address.ts";
import { bytesOf } from "../support/dataplane/packet-bytes.ts";
import { RawSocket } from "../support/dataplane/raw-socket.ts";

export interface Sending {
  readonly protocol: number;
  readonly source: string;
  readonly sourcePort?: number;
  readonly destination: string;
  readonly destinationPort?: number;
  readonly icmp?: { readonly type: number; readonly code: number };
  readonly count?: number;
  /** What follows the ports, in hexadecimal, in the place of what packet-bytes.ts would say. */
  readonly rest?: string;
}

for (const sending of JSON.parse(process.argv[2] ?? "[]") as readonly Sending[]) {
  const to = parseAddress(sending.destination);
  const socket = RawSocket.open(familyOf(to), 0);
  for (let number = 1; number <= (sending.count ?? 1); number++) socket.send(packetOf(sending, number), to);
  socket.close();
}

function packetOf({ sourcePort = 0, destinationPort = 0, rest, ...sending }: Sending, number: number): Buffer {
  const { protocol, icmp = null } = sending;
  const [source, destination] = [parseAddress(sending.source), parseAddress(sending.destination)];
  const packet = bytesOf({ protocol, source, destination, sourcePort, destinationPort, icmp }, number);
  if (rest === undefined) return packet;
  const header = packet.subarray(0, familyOf(destination) === 4 ? 20 : 40);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(sourcePort, 0);
  ports.writeUInt16BE(destinationPort, 2);
  const transport = Buffer.concat([ports, Buffer.from(rest, "hex")]);
  // Of IPv4 the kernel itself writes length and checksum (raw(7)).
  if (familyOf(destination) === 6) header.writeUInt16BE(transport.length, 4);
  return Buffer.concat([header, transport]);
}

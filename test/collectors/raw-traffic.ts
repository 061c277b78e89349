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
}

for (const { protocol, source, destination, icmp = null, ...rest } of JSON.parse(
  process.argv[2] ?? "[]",
) as Sending[]) {
  const to = parseAddress(destination);
  const packet = {
    ...{ protocol, source: parseAddress(source), destination: to, icmp },
    ...{ sourcePort: rest.sourcePort ?? 0, destinationPort: rest.destinationPort ?? 0 },
  };
  const socket = RawSocket.open(familyOf(to), 0);
  for (let number = 1; number <= (rest.count ?? 1); number++) socket.send(bytesOf(packet, number), to);
  socket.close();
}

import { LogDecoder } from "../../collectors/nflog/message.ts";
import { bindRequest, configureRequest, logDatagramBytes } from "../../collectors/nflog/requests.ts";
import { systemClock } from "../../core/clock.ts";
import { firstProtocolType } from "../../core/netlink/message.ts";
import { NETLINK_NETFILTER } from "../../core/netlink/netfilter.ts";
import { NetlinkSocket } from "../../core/netlink/socket.ts";

// Another program that reads NFLOG groups, as Felix and ulogd do: read-group.ts GROUP...
// Says when it listens; on SIGTERM prints how many packets came with which prefix, as JSON.

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const sockets = process.argv.slice(2).map((group) => {
  const socket = NetlinkSocket.open(NETLINK_NETFILTER, { slots: 64, slotBytes: logDatagramBytes });
  socket.request(`bind ${group}`, bindRequest(Number(group)));
  socket.request(`configure ${group}`, configureRequest(Number(group)));
  return { socket, decoder: new LogDecoder(socket.bytes) };
});
const counts: Record<string, number> = {};
console.log("listening");
let isLast = false;
while (!isLast) {
  isLast = stop.signal.aborted;
  for (const { socket, decoder } of sockets)
    socket.read(
      (_bytes, { type, start, end }) => {
        if (type < firstProtocolType) return;
        const { prefix } = decoder.decode(start, end);
        counts[prefix] = (counts[prefix] ?? 0) + 1;
      },
      () => {},
    );
  // The kernel holds a batch back for 10 ms.
  await systemClock.sleep(20);
}
console.log(JSON.stringify(counts));

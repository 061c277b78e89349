// Sends a UDP packet to each of some ports about each millisecond until it is told to stop; they are never answered, so to
// connection tracking each is the first of its connection. To be started in a network namespace:
// node test/bench/udp-stream.ts DESTINATION PORT...

import { createSocket } from "node:dgram";
import { systemClock } from "../../core/clock.ts";

const [destination = "", ...ports] = process.argv.slice(2);
const socket = createSocket("udp4");
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
while (!stop.signal.aborted) {
  for (const port of ports) socket.send("x", Number(port), destination);
  await systemClock.sleep(1);
}
socket.close();

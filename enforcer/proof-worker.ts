import { randomBytes, randomInt } from "node:crypto";
import { statSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { messageOf } from "../core/errors.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import { NETLINK_NETFILTER } from "../core/netlink/netfilter.ts";
import { dumpCounters } from "../core/netlink/nft-counters.ts";
import { NetlinkSocket } from "../core/netlink/socket.ts";
import { ProbePort } from "./probe-port.ts";
import { sendProbe } from "./probe-sequence.ts";
import type { Answer, Request } from "./proof-kernel.ts";

// One thread for all namespaces of the process: sockets and interfaces stay in the namespace in which they were opened. Synchronous
// calls only: see enterNamespace.

const [firstPort, lastPort] = [20_000, 60_000];

class Place {
  readonly inode: number;
  readonly #counters = NetlinkSocket.open(NETLINK_NETFILTER);
  #port: ProbePort | undefined;
  #sourcePort = randomInt(firstPort, lastPort);

  constructor(inode: number) {
    this.inode = inode;
  }

  counters = () => dumpCounters(this.#counters);

  probe() {
    this.#port ??= ProbePort.open();
    this.#sourcePort = this.#sourcePort >= lastPort ? firstPort : this.#sourcePort + 1;
    const { counters } = this;
    return sendProbe({ port: this.#port, counters, nonce: randomBytes(8), sourcePort: this.#sourcePort, pause });
  }

  close(): void {
    this.#counters.close();
    this.#port?.close();
  }
}

const bell = new Int32Array(new SharedArrayBuffer(4));
const pause = () => void Atomics.wait(bell, 0, 0, 1);

const places = new Map<string, Place>();

/** The thread is in the namespace afterwards. */
function placeAt(namespace: string): Place {
  enterNamespace(namespace);
  const inode = statSync(namespace).ino;
  const known = places.get(namespace);
  if (known?.inode === inode) return known;
  known?.close();
  const place = new Place(inode);
  places.set(namespace, place);
  return place;
}

function carryOut(request: Request): Answer {
  switch (request.ask) {
    case "counters":
      return { id: request.id, counters: placeAt(request.namespace).counters() };
    case "probe":
      return { id: request.id, sighting: placeAt(request.namespace).probe() };
    case "close":
      // A thread that ends leaves its files open, and the interface is there as long as its file.
      for (const place of places.values()) place.close();
      places.clear();
      return { id: request.id, counters: new Map() };
  }
}

parentPort?.on("message", (request: Request) => {
  try {
    parentPort?.postMessage(carryOut(request));
  } catch (thrown) {
    parentPort?.postMessage({ id: request.id, fault: messageOf(thrown) } satisfies Answer);
  }
});

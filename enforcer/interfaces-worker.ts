import { statSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { messageOf } from "../core/errors.ts";
import { messageFlag } from "../core/netlink/message.ts";
import { MessageWriter } from "../core/netlink/message-writer.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import { NetlinkSocket } from "../core/netlink/socket.ts";
import type { Answer, Request, Told } from "./interfaces-kernel.ts";
import { decodeHostRoute, decodeLink, decodeOwnAddress, dumpPayload, type Placed, request } from "./routes.ts";

// One thread for all namespaces of the process: a socket stays in the namespace in which it was opened. Synchronous calls
// only: see enterNamespace.

const NETLINK_ROUTE = 0;
// RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE (include/uapi/linux/rtnetlink.h)
const groups = [1, 5, 7, 9, 11];
// A table that changes while it is dumped is dumped again; one that never rests is taken as it is.
const maxDumps = 3;

class RouteTable {
  readonly inode: number;
  readonly #events = NetlinkSocket.open(NETLINK_ROUTE);
  readonly #dumps = NetlinkSocket.open(NETLINK_ROUTE);
  #stale = true;

  constructor(inode: number) {
    this.inode = inode;
    for (const group of groups) this.#events.join(group);
  }

  /** Undefined if nothing changed since the last call. */
  read(): Told | undefined {
    if (this.#sawEvents()) this.#stale = true;
    if (!this.#stale) return undefined;
    const told = this.#dumpAll();
    this.#stale = false;
    return told;
  }

  close(): void {
    this.#events.close();
    this.#dumps.close();
  }

  #sawEvents(): boolean {
    let saw = false;
    for (;;) {
      const { datagrams, overrun } = this.#events.read(
        () => {},
        () => {},
      );
      if (datagrams === 0 && !overrun) return saw;
      saw = true;
    }
  }

  #dumpAll(): Told {
    for (let dump = 1; ; dump++) {
      const names = new Map<number, string>();
      const [behind, own]: [Told["behind"][number][], Told["own"][number][]] = [[], []];
      let interrupted = this.#dump("links", null, (bytes, message) => {
        const { index, name } = decodeLink(bytes, message);
        names.set(index, name);
      });
      const note = (list: Told["own"][number][], placed: Placed | undefined) => {
        const name = placed && names.get(placed.interface);
        if (placed !== undefined && name !== undefined) list.push([placed.address, name]);
      };
      interrupted ||= this.#dump("addresses", null, (bytes, message) => note(own, decodeOwnAddress(bytes, message)));
      for (const family of [4, 6] as const)
        interrupted ||= this.#dump("routes", family, (bytes, message) => note(behind, decodeHostRoute(bytes, message)));
      if (!interrupted || dump === maxDumps) return { behind, own };
    }
  }

  #dump(of: keyof typeof request, family: 4 | 6 | null, visit: Parameters<NetlinkSocket["dump"]>[2]): boolean {
    const message = new MessageWriter(request[of], messageFlag.request | messageFlag.dump);
    return this.#dumps.dump(`dump ${of}`, message.raw(dumpPayload(of, family)), visit);
  }
}

const tables = new Map<string, RouteTable>();

function tableOf(namespace: string): RouteTable {
  const inode = statSync(namespace).ino;
  const known = tables.get(namespace);
  if (known?.inode === inode) return known;
  known?.close();
  enterNamespace(namespace);
  const table = new RouteTable(inode);
  tables.set(namespace, table);
  return table;
}

parentPort?.on("message", ({ id, namespace }: Request) => {
  try {
    parentPort?.postMessage({ id, told: tableOf(namespace).read() ?? null } satisfies Answer);
  } catch (thrown) {
    parentPort?.postMessage({ id, fault: messageOf(thrown) } satisfies Answer);
  }
});

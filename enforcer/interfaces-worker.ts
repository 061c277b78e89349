import { statSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import { messageFlag } from "../core/netlink/message.ts";
import { MessageWriter } from "../core/netlink/message-writer.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import { NetlinkSocket } from "../core/netlink/socket.ts";
import type { Answer, Request } from "./interfaces-kernel.ts";
import { decodeHostRoute, decodeLink, dumpPayload, request } from "./routes.ts";

// One thread for all namespaces of the process: a socket stays in the namespace in which it was opened. Synchronous calls
// only: see enterNamespace.

const NETLINK_ROUTE = 0;
// RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE (include/uapi/linux/rtnetlink.h)
const groups = [1, 7, 11];
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
  read(): [Address, string][] | undefined {
    if (this.#sawEvents()) this.#stale = true;
    if (!this.#stale) return undefined;
    const bindings = this.#bindings();
    this.#stale = false;
    return bindings;
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

  #bindings(): [Address, string][] {
    for (let dump = 1; ; dump++) {
      const names = new Map<number, string>();
      const bindings: [Address, string][] = [];
      let interrupted = this.#dump("links", null, (bytes, message) => {
        const { index, name } = decodeLink(bytes, message);
        names.set(index, name);
      });
      for (const family of [4, 6] as const)
        interrupted ||= this.#dump("routes", family, (bytes, message) => {
          const route = decodeHostRoute(bytes, message);
          const name = route && names.get(route.interface);
          if (route !== undefined && name !== undefined) bindings.push([route.address, name]);
        });
      if (!interrupted || dump === maxDumps) return bindings;
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
    parentPort?.postMessage({ id, bindings: tableOf(namespace).read() ?? null } satisfies Answer);
  } catch (thrown) {
    parentPort?.postMessage({ id, fault: messageOf(thrown) } satisfies Answer);
  }
});

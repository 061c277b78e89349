import { statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { parentPort } from "node:worker_threads";
import { type Address, tryParseAddress } from "../core/address.ts";
import { type Entry, EntryDecoder } from "../core/conntrack/entry.ts";
import { deleteRequest, dumpRequest } from "../core/conntrack/requests.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { errnoName } from "../core/netlink/libc.ts";
import { messageFlag } from "../core/netlink/message.ts";
import { MessageWriter } from "../core/netlink/message-writer.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import { NETLINK_NETFILTER } from "../core/netlink/netfilter.ts";
import { NetlinkSocket } from "../core/netlink/socket.ts";
import type { Answer, Request } from "./conntrack-kernel.ts";
import { isLinkLocal, linkAnswer, linkQuestion } from "./link-question.ts";
import { type PackedConnections, Packer } from "./packed-connections.ts";
import { decodeLink, dumpPayload, request as routeRequest } from "./routes.ts";

// One thread for all namespaces of the process: a socket stays in the namespace in which it was opened. Synchronous calls
// only: see enterNamespace.

// Of enum tcp_conntrack, include/uapi/linux/netfilter/nf_conntrack_tcp.h: over, and remembered for stragglers.
const TCP_CONNTRACK_TIME_WAIT = 7;
const TCP_CONNTRACK_CLOSE = 8;
// Each that fails is answered, and so is each question; the socket's buffer holds about 250 answers.
const perDatagram = 64;
const NETLINK_ROUTE = 0;

class ConnectionTable {
  readonly inode: number;
  readonly #socket = NetlinkSocket.open(NETLINK_NETFILTER);
  readonly #decoder = new EntryDecoder(this.#socket.bytes);

  constructor(inode: number) {
    this.inode = inode;
  }

  list({ links }: { readonly links: boolean }): PackedConnections {
    const packer = new Packer();
    this.#socket.dump("dump conntrack", dumpRequest(), (_, { type, flags, start, end }) => {
      const entry = this.#decoder.decode(type, flags, start, end);
      if (!isOver(entry)) packer.add(entry);
    });
    return packer.finish((addresses) => (links ? linksOf(addresses) : []));
  }

  delete(connections: readonly Pick<Entry, "id" | "zone" | "original">[]): number {
    let deleted = 0;
    for (let at = 0; at < connections.length; at += perDatagram)
      deleted += this.#deleteSome(connections.slice(at, at + perDatagram));
    return deleted;
  }

  close(): void {
    this.#socket.close();
  }

  #deleteSome(connections: readonly Pick<Entry, "id" | "zone" | "original">[]): number {
    const last = connections.length - 1;
    const answers = this.#socket.transact(connections.map((entry, index) => deleteRequest(entry, index === last)));
    const failures = answers.filter(({ errno }) => errno !== 0).map(({ errno }) => errnoName(errno));
    const fault = failures.find((errno) => errno !== "ENOENT");
    if (fault !== undefined) throw new SluiceError("NETLINK_FAILED", `delete conntrack entries: ${fault}`);
    return connections.length - failures.length;
  }
}

/** Of each address, in the namespace in which the thread is. */
function linksOf(addresses: readonly Address[]): readonly (string | null)[] {
  const socket = NetlinkSocket.open(NETLINK_ROUTE);
  try {
    const names = namesOf(socket);
    const links: (string | null)[] = addresses.map(() => null);
    for (let at = 0; at < addresses.length; at += perDatagram)
      socket.ask(addresses.slice(at, at + perDatagram).map(linkQuestion), (index, bytes, message) => {
        const link = linkAnswer(bytes, message);
        const isTold = link !== undefined && !isLinkLocal(addresses[at + index] as Address);
        if (isTold) links[at + index] = names.get(link) ?? null;
      });
    return links;
  } finally {
    socket.close();
  }
}

function namesOf(socket: NetlinkSocket): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const question = new MessageWriter(routeRequest.links, messageFlag.request | messageFlag.dump);
  socket.dump("dump links", question.raw(dumpPayload("links", null)), (bytes, message) => {
    const { index, name } = decodeLink(bytes, message);
    names.set(index, name);
  });
  return names;
}

function isOver({ tcpState }: Entry): boolean {
  return tcpState === TCP_CONNTRACK_TIME_WAIT || tcpState === TCP_CONNTRACK_CLOSE;
}

const tables = new Map<string, ConnectionTable>();

/** Leaves the thread in the namespace. */
function tableOf(namespace: string): ConnectionTable {
  const inode = statSync(namespace).ino;
  const known = tables.get(namespace);
  enterNamespace(namespace);
  if (known?.inode === inode) return known;
  known?.close();
  const table = new ConnectionTable(inode);
  tables.set(namespace, table);
  return table;
}

/** Those of the namespace in which the thread is. */
function localAddresses(): readonly Address[] {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  return all.flatMap(({ address }) => tryParseAddress(address) ?? []);
}

function answerTo(request: Request): Answer {
  const table = tableOf(request.namespace);
  const { id } = request;
  if (request.do === "delete") return { id, deleted: table.delete(request.connections) };
  return { id, packed: table.list(request), localAddresses: localAddresses() };
}

parentPort?.on("message", (request: Request) => {
  try {
    const answer = answerTo(request);
    parentPort?.postMessage(answer, "packed" in answer ? [answer.packed.words.buffer] : []);
  } catch (thrown) {
    parentPort?.postMessage({ id: request.id, fault: messageOf(thrown) } satisfies Answer);
  }
});

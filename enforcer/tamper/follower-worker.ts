import { readFileSync, readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { systemClock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { enterNamespace } from "../../core/netlink/namespace.ts";
import { NETLINK_NETFILTER, netfilterFamily } from "../../core/netlink/netfilter.ts";
import { NFNLGRP_NFTABLES } from "../../core/netlink/nft-event.ts";
import { askGeneration, askRules, nextGeneration } from "../../core/netlink/nft-questions.ts";
import { NetlinkSocket } from "../../core/netlink/socket.ts";
import { waitForAny } from "../../core/netlink/wait.ts";
import { tableFamily, tableName } from "../text.ts";
import { culpritOf, glimpseOf } from "./culprit.ts";
import type { FromWorker, ToWorker } from "./follower.ts";
import type { News } from "./news.ts";
import type { TableEvent } from "./table-event.ts";
import { Transactions } from "./transactions.ts";
import { isOurs, pidsAreOurs } from "./whose.ts";

// One thread for all namespaces of the process. It waits in poll(2) for the kernel to tell something, so it knows of a change
// within a fraction of a millisecond, mostly while whoever made it is still there. Synchronous calls only: see enterNamespace.

/** Up to a page, and a message of its own where one is longer (nft_commit_notify, net/netfilter/nf_tables_api.c). */
const slots = { slots: 64, slotBytes: 16_384 };
/** A ruleset of 10,000 rules that is replaced makes 20,000 messages of some hundred bytes. */
const receiveBufferBytes = 33_554_432;
/** So often the thread looks up: to be stopped, to follow another namespace. */
const lookUpMs = 100;
/** While it hears nothing, and after somebody else's change, when it is about to be told to: so often, for so long. */
const alertLookUpMs = 1;
const alertMs = 1_000;
/** Who changes the rules while we hear nothing is heard the next time, and for so long. */
const mistrustMs = 60_000;
const sysctlMs = 2_000;
const nice = -10;

class Followed {
  readonly id: number;
  readonly socket: NetlinkSocket;
  readonly #namespace: string;
  readonly #sysctls: readonly string[];
  readonly #transactions: Transactions;
  /** For questions; `socket` is for what the kernel tells by itself. */
  readonly #asking: NetlinkSocket;
  /** The generation at which this began to hear nothing. */
  #muteSince: number | undefined;
  #trustsAt = Number.NEGATIVE_INFINITY;
  #values = "";
  #readAt = Number.NEGATIVE_INFINITY;

  /** The calling thread is in the namespace. */
  constructor({ id, namespace, sysctls }: Extract<ToWorker, { kind: "follow" }>) {
    this.id = id;
    this.#namespace = namespace;
    this.#sysctls = sysctls;
    this.socket = NetlinkSocket.open(NETLINK_NETFILTER, slots);
    this.socket.growReceiveBuffer(receiveBufferBytes);
    this.socket.join(NFNLGRP_NFTABLES);
    this.#asking = NetlinkSocket.open(NETLINK_NETFILTER);
    this.#transactions = new Transactions({
      isOurs: (pid, port) => {
        if (!pidsAreOurs) enterNamespace(namespace);
        return isOurs(pid, port);
      },
      // The port of a process's first socket is its pid in its own namespace (netlink_autobind, net/netlink/af_netlink.c).
      localPid: (pid, port) => (pidsAreOurs ? pid : port),
      // Where pids are not ours, a process of that number is somebody else.
      glimpseOf: (pid) => glimpseOf(pidsAreOurs ? pid : 0),
      culpritOf,
      now: systemClock.now,
    });
    this.#transactions.generation = askGeneration(this.#asking);
  }

  get isMute(): boolean {
    return this.#muteSince !== undefined;
  }

  close(): void {
    this.socket.close();
    this.#asking.close();
  }

  /**
   * The kernel makes a message of its own for each element that is added while anybody listens, and keeps them all until the end of the
   * transaction: for 250,000 of them 0.4 s and a gigabyte. So nobody of us listens to a large transaction of ours; the kernel's
   * count of transactions tells whether there was another one.
   */
  mute(): readonly News[] {
    if (systemClock.monotonic() < this.#trustsAt) return [];
    this.socket.leave(NFNLGRP_NFTABLES);
    const news = this.read();
    const { generation } = this.#transactions;
    this.#muteSince = askGeneration(this.#asking);
    return generation === undefined || generation === this.#muteSince ? news : [...news, this.#missed()];
  }

  unmute(transactions: 0 | 1): readonly News[] {
    const since = this.#muteSince;
    if (since === undefined) return [];
    this.#muteSince = undefined;
    this.socket.join(NFNLGRP_NFTABLES);
    const generation = askGeneration(this.#asking);
    const missed = generation === (transactions === 1 ? nextGeneration(since) : since) ? [] : [this.#missed()];
    this.#transactions.generation = generation;
    const rules = transactions === 0 ? [] : askRules(this.#asking, tableName, tableFamily);
    const table: TableEvent = { what: "table", family: netfilterFamily[tableFamily], table: tableName, gone: false };
    return [...missed, ...(rules.length === 0 ? [] : [{ kind: "own" as const, events: [table, ...rules] }])];
  }

  #missed(): News {
    this.#trustsAt = systemClock.monotonic() + mistrustMs;
    return this.#transactions.lost("somebody else changed the ruleset while all of ours was written anew", true);
  }

  read(): readonly News[] {
    if (this.#muteSince !== undefined) return [];
    const news: News[] = [];
    for (;;) {
      const now = systemClock.now();
      const malformed = (error: Error) => news.push(this.#transactions.lost(error.message));
      const { overrun, truncated, full } = this.socket.read((bytes, message) => {
        const made = this.#transactions.take(bytes, message);
        if (made !== undefined) news.push(made);
      }, malformed);
      if (overrun) news.push(this.#transactions.lost("the kernel's buffer overran"));
      if (truncated > 0) news.push(this.#transactions.lost("a message was longer than its place"));
      if (full || overrun) continue;
      this.#transactions.quiet(now);
      return news;
    }
  }

  /** Undefined if they are as they were, or it is not yet time. */
  sysctls(): News | undefined {
    if (systemClock.monotonic() < this.#readAt + sysctlMs) return undefined;
    this.#readAt = systemClock.monotonic();
    enterNamespace(this.#namespace);
    const values = Object.fromEntries(this.#sysctls.map((name) => [name, sysctlValue(name)]));
    const text = JSON.stringify(values);
    if (text === this.#values) return undefined;
    this.#values = text;
    return { kind: "sysctls", values };
  }
}

/** /proc/sys/net is that of the calling thread's namespace. */
function sysctlValue(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();
  } catch {
    return null;
  }
}

const followed = new Map<number, Followed>();
const post = (message: FromWorker) => parentPort?.postMessage(message);

parentPort?.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "follow":
      follow(message);
      break;
    case "unfollow":
      followed.get(message.id)?.close();
      followed.delete(message.id);
      break;
    case "mute":
      serve(message.id, (one) => one.mute());
      post({ kind: "muted", id: message.id });
      break;
    case "unmute":
      serve(message.id, (one) => one.unmute(message.transactions));
      break;
  }
});

function follow(message: Extract<ToWorker, { kind: "follow" }>): void {
  try {
    enterNamespace(message.namespace);
    followed.set(message.id, new Followed(message));
    post({ kind: "following", id: message.id });
  } catch (thrown) {
    post({ kind: "failed", id: message.id, message: messageOf(thrown) });
  }
}

let alertUntil = Number.NEGATIVE_INFINITY;

function turn(): void {
  const all = [...followed.values()];
  const isAlert = systemClock.monotonic() < alertUntil || all.some(({ isMute }) => isMute);
  waitForAny(
    all.map(({ socket }) => socket),
    isAlert ? alertLookUpMs : lookUpMs,
  );
  for (const id of [...followed.keys()]) serve(id, look);
  setImmediate(turn);
}

function look(one: Followed): readonly News[] {
  const news = one.read();
  const sysctls = one.sysctls();
  return sysctls === undefined ? news : [...news, sysctls];
}

/** A namespace that cannot be read is given up, and only it: others share this thread. */
function serve(id: number, work: (one: Followed) => readonly News[]): void {
  const one = followed.get(id);
  if (one === undefined) return;
  try {
    const news = work(one);
    if (news.length > 0) post({ kind: "news", id, news });
    if (news.some(({ kind }) => kind === "foreign" || kind === "lost")) alertUntil = systemClock.monotonic() + alertMs;
  } catch (thrown) {
    one.close();
    followed.delete(id);
    post({ kind: "failed", id, message: messageOf(thrown) });
  }
}

/** To be there before a program that was quick has ended. A matter of luck without; nothing depends on it. */
function hurry(): void {
  try {
    setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), nice);
  } catch {
    // Not everybody may.
  }
}

hurry();
turn();

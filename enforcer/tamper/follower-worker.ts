import { readFileSync, readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { systemClock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { enterNamespace } from "../../core/netlink/namespace.ts";
import { NETLINK_NETFILTER } from "../../core/netlink/netfilter.ts";
import { NFNLGRP_NFTABLES } from "../../core/netlink/nft-event.ts";
import { NetlinkSocket } from "../../core/netlink/socket.ts";
import { waitForAny } from "../../core/netlink/wait.ts";
import { culpritOf, glimpseOf } from "./culprit.ts";
import type { FromWorker, ToWorker } from "./follower.ts";
import type { News } from "./news.ts";
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
const sysctlMs = 2_000;
const nice = -10;

class Followed {
  readonly id: number;
  readonly socket: NetlinkSocket;
  readonly #namespace: string;
  readonly #sysctls: readonly string[];
  readonly #transactions: Transactions;
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
  }

  read(): readonly News[] {
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
  if (message.kind === "unfollow") {
    followed.get(message.id)?.socket.close();
    followed.delete(message.id);
    return;
  }
  try {
    enterNamespace(message.namespace);
    followed.set(message.id, new Followed(message));
    post({ kind: "following", id: message.id });
  } catch (thrown) {
    post({ kind: "failed", id: message.id, message: messageOf(thrown) });
  }
});

function turn(): void {
  const all = [...followed.values()];
  waitForAny(
    all.map(({ socket }) => socket),
    lookUpMs,
  );
  for (const one of all) serve(one);
  setImmediate(turn);
}

/** A namespace that cannot be read is given up, and only it: others share this thread. */
function serve(one: Followed): void {
  try {
    const news = one.read();
    const sysctls = one.sysctls();
    const all = sysctls === undefined ? news : [...news, sysctls];
    if (all.length > 0) post({ kind: "news", id: one.id, news: all });
  } catch (thrown) {
    one.socket.close();
    followed.delete(one.id);
    post({ kind: "failed", id: one.id, message: messageOf(thrown) });
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

import { statSync, writeSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import koffi from "koffi";
import { systemClock } from "../core/clock.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { close } from "../core/netlink/libc.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import { NETLINK_NETFILTER } from "../core/netlink/netfilter.ts";
import { NetlinkSocket } from "../core/netlink/socket.ts";
import { kernelInventory } from "./kernel-inventory.ts";
import { listCommand } from "./nft-answer.ts";
import { Batches, type Load } from "./nft-batch.ts";
import type { Answer, Request } from "./nft-library.ts";
import { unpacked } from "./packed-transaction.ts";
import { twinTables } from "./twin-tables.ts";

// libnftables(3). It is not made for several threads, so this one serves all namespaces of the process. A context keeps the
// netlink socket it opened first, and with it the namespace in which the thread was. Synchronous calls only: see
// enterNamespace.

const soname = "libnftables.so.1";
// nftables/libnftables.h: NFT_CTX_OUTPUT_JSON, and NUMERIC_PROTO, NUMERIC_PRIO, NUMERIC_SYMBOL, NUMERIC_TIME
const jsonOutput = 0x10 | 0x80 | 0x100 | 0x200 | 0x400;
// NFT_CTX_OUTPUT_STATELESS, NFT_CTX_OUTPUT_HANDLE, NFT_CTX_OUTPUT_TERSE: rules as people read them, each with its handle
const textOutput = 0x4 | 0x8 | 0x800;

// Of a failed batch every message may be answered, each with less than 1 KiB of kernel memory.
const answersBytes = 2 * 2 ** 20;

type Outcome = Omit<Answer, "id">;
type Run = Pick<Request, "text" | "dryRun" | "json">;

const done: Outcome = { status: 0, output: "", words: "" };

const memfdCreate = koffi.load(null).func("int memfd_create(const char *name, uint32 flags)");

class Library {
  readonly #library = koffi.load(soname);
  readonly #new = this.#library.func("void *nft_ctx_new(uint32 flags)");
  readonly #free = this.#library.func("void nft_ctx_free(void *ctx)");
  readonly #bufferOutput = this.#library.func("int nft_ctx_buffer_output(void *ctx)");
  readonly #bufferError = this.#library.func("int nft_ctx_buffer_error(void *ctx)");
  readonly #output = this.#library.func("const char *nft_ctx_get_output_buffer(void *ctx)");
  readonly #error = this.#library.func("const char *nft_ctx_get_error_buffer(void *ctx)");
  readonly #setDryRun = this.#library.func("void nft_ctx_set_dry_run(void *ctx, bool dry)");
  readonly #setFlags = this.#library.func("void nft_ctx_output_set_flags(void *ctx, uint32 flags)");
  readonly #run = this.#library.func("int nft_run_cmd_from_buffer(void *ctx, const char *text)");
  readonly #runFile = this.#library.func("int nft_run_cmd_from_filename(void *ctx, const char *name)");

  run(handle: unknown, { text, dryRun, json }: Run): Outcome {
    this.#setDryRun(handle, dryRun);
    this.#setFlags(handle, json ? jsonOutput : textOutput);
    const status = this.#run(handle, text) as number;
    const outcome = { status, output: this.#output(handle) as string, words: this.#error(handle) as string };
    return status === 0 ? outcome : { ...outcome, words: this.#explain(handle, text) ?? outcome.words };
  }

  /** Of a buffer, libnftables shows its first line whatever line is wrong; of a file, the right one. So ask again, by a file. */
  #explain(handle: unknown, text: string): string | undefined {
    const fd = memfdCreate("sluice-nft", 0) as number;
    if (fd < 0) return undefined;
    try {
      writeSync(fd, text);
      this.#setDryRun(handle, true);
      const status = this.#runFile(handle, `/proc/self/fd/${fd}`) as number;
      const words = this.#error(handle) as string;
      return status === 0 || words === "" ? undefined : words;
    } finally {
      close(fd);
    }
  }

  /** In the namespace where the thread is. */
  open(): unknown {
    const handle = this.#new(0);
    if (handle === null) throw new Error("nft_ctx_new returned nothing");
    this.#bufferOutput(handle);
    this.#bufferError(handle);
    return handle;
  }

  close(handle: unknown): void {
    this.#free(handle);
  }
}

/** What there is of one namespace: a context of libnftables and a socket for batches, both opened in it. */
class Namespace {
  readonly inode: number;
  readonly #library: Library;
  readonly #context: unknown;
  readonly #socket = NetlinkSocket.open(NETLINK_NETFILTER);
  readonly #batches = new Batches(this.#socket);
  #load: { readonly number: number; readonly load: Load } | undefined;

  constructor(library: Library, inode: number) {
    this.inode = inode;
    this.#library = library;
    this.#context = library.open();
    this.#socket.growReceiveBuffer(answersBytes);
  }

  carryOut({ batch, load, rewrite, inventory, ...work }: Request): Outcome {
    if (inventory) return { ...done, inventory: kernelInventory(this.#socket) };
    if (load !== undefined) return this.#take(load);
    if (batch === undefined) {
      this.#batches.forget();
      if (!work.dryRun && work.text !== listCommand) this.#batches.forgetTable();
      return this.#library.run(this.#context, work);
    }
    if (rewrite === true) return { ...done, unknown: !this.#batches.rewrite(unpacked(batch)) };
    this.#batches.apply(unpacked(batch));
    return done;
  }

  /** A load of which a part is missing, or failed, is never carried out. */
  #take({ number, part, counts, isLast }: NonNullable<Request["load"]>): Outcome {
    const known = this.#load?.number === number ? this.#load.load : undefined;
    const load = counts === undefined ? known : this.#batches.load(counts);
    this.#load = undefined;
    if (load === undefined) throw new SluiceError("NFT_FAILED", "a part of this load is missing");
    load.add(unpacked(part));
    if (isLast) load.finish();
    else this.#load = { number, load };
    return done;
  }

  sameAs(other: Namespace): Outcome {
    return { ...done, size: twinTables(this.#socket, other.#socket) };
  }

  /** What fails here is only remembered less well. */
  tidy(): boolean {
    try {
      return this.#batches.tidy();
    } catch (thrown) {
      process.emitWarning(`what was written to nftables could not be summed up: ${messageOf(thrown)}`);
      this.#batches.forgetTable();
      return false;
    }
  }

  close(): void {
    this.#library.close(this.#context);
    this.#socket.close();
  }
}

const namespaces = new Map<string, Namespace>();

/** A namespace made anew under an old name has another inode; the number of the old one is not reused while we hold it. */
function namespaceAt(library: Library, path: string): Namespace {
  enterNamespace(path);
  const inode = statSync(path).ino;
  const known = namespaces.get(path);
  if (known?.inode === inode) return known;
  known?.close();
  namespaces.delete(path);
  const opened = new Namespace(library, inode);
  namespaces.set(path, opened);
  return opened;
}

function failure(thrown: unknown): Outcome {
  const outcome = { status: -1, output: "", words: messageOf(thrown) };
  if (!(thrown instanceof SluiceError)) return outcome;
  const { code, message, retriable, context } = thrown;
  return { ...outcome, error: { code, message, retriable, context } };
}

function load(): Library | string {
  try {
    return new Library();
  } catch (thrown) {
    return messageOf(thrown);
  }
}

const idleMs = 500;
let askedAt = 0;
const untidy = new Set<Namespace>();

/** What may be done later is, a little at a time, once nobody has asked for anything for a while: a change must not wait for it. */
function tidyLater(namespace: Namespace): void {
  askedAt = systemClock.monotonic();
  const isAtIt = untidy.size > 0;
  untidy.add(namespace);
  if (!isAtIt) void tidyWhenIdle();
}

async function tidyWhenIdle(): Promise<void> {
  for (let [namespace] = untidy; namespace !== undefined; [namespace] = untidy) {
    await idle();
    if (!namespace.tidy()) untidy.delete(namespace);
  }
}

async function idle(): Promise<void> {
  const rest = () => askedAt + idleMs - systemClock.monotonic();
  while (rest() > 0) await systemClock.sleep(rest());
  await new Promise((resolve) => setImmediate(resolve));
}

const library = load();
parentPort?.postMessage(typeof library === "string" ? { missing: library } : { missing: null });
parentPort?.on("message", (request: Request) => {
  if (typeof library === "string") return;
  let outcome: Outcome;
  try {
    const namespace = namespaceAt(library, request.namespace);
    outcome =
      request.twin === undefined ? namespace.carryOut(request) : namespace.sameAs(namespaceAt(library, request.twin));
    tidyLater(namespace);
  } catch (thrown) {
    outcome = failure(thrown);
  }
  parentPort?.postMessage({ id: request.id, ...outcome } satisfies Answer);
});

import { statSync, writeSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import koffi from "koffi";
import { messageOf } from "../core/errors.ts";
import { close } from "../core/netlink/libc.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import type { Answer, Request } from "./nft-library.ts";

// libnftables(3). It is not made for several threads, so this one serves all namespaces of the process. A context keeps the
// netlink socket it opened first, and with it the namespace in which the thread was. Synchronous calls only: see
// enterNamespace.

const soname = "libnftables.so.1";
// nftables/libnftables.h: NFT_CTX_OUTPUT_HANDLE, NFT_CTX_OUTPUT_JSON, and NUMERIC_PROTO, NUMERIC_PRIO, NUMERIC_SYMBOL, NUMERIC_TIME
const handleOutput = 0x8 | 0x80 | 0x100 | 0x200 | 0x400;
const jsonOutput = 0x10 | 0x80 | 0x100 | 0x200 | 0x400;

type Outcome = Omit<Answer, "id">;

interface Context {
  readonly inode: number;
  readonly handle: unknown;
}

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
  readonly #contexts = new Map<string, Context>();

  run({ namespace, text, dryRun, json, handles = false }: Request): Outcome {
    const handle = this.#contextIn(namespace);
    this.#setDryRun(handle, dryRun);
    this.#setFlags(handle, json ? jsonOutput : handles ? handleOutput : 0);
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

  /** A namespace made anew under an old name has another inode; the number of the old one is not reused while we hold it. */
  #contextIn(namespace: string): unknown {
    enterNamespace(namespace);
    const inode = statSync(namespace).ino;
    const known = this.#contexts.get(namespace);
    if (known?.inode === inode) return known.handle;
    if (known !== undefined) this.#free(known.handle);
    const handle = this.#new(0);
    if (handle === null) throw new Error("nft_ctx_new returned nothing");
    this.#bufferOutput(handle);
    this.#bufferError(handle);
    this.#contexts.set(namespace, { inode, handle });
    return handle;
  }
}

function load(): Library | string {
  try {
    return new Library();
  } catch (thrown) {
    return messageOf(thrown);
  }
}

const library = load();
parentPort?.postMessage(typeof library === "string" ? { missing: library } : { missing: null });
parentPort?.on("message", (request: Request) => {
  if (typeof library === "string") return;
  try {
    parentPort?.postMessage({ id: request.id, ...library.run(request) });
  } catch (thrown) {
    parentPort?.postMessage({ id: request.id, status: -1, output: "", words: messageOf(thrown) });
  }
});

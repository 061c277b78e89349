import { statSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import koffi from "koffi";
import { messageOf } from "../core/errors.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import type { Answer, Request } from "./nft-library.ts";

// libnftables(3). It is not made for several threads, so this one serves all namespaces of the process. A context keeps the
// netlink socket it opened first, and with it the namespace in which the thread was. Synchronous calls only: see
// enterNamespace.

const soname = "libnftables.so.1";
// nftables/libnftables.h: NFT_CTX_OUTPUT_JSON, and NUMERIC_PROTO, NUMERIC_PRIO, NUMERIC_SYMBOL, NUMERIC_TIME
const jsonOutput = 0x10 | 0x80 | 0x100 | 0x200 | 0x400;

interface Context {
  readonly inode: number;
  readonly handle: unknown;
}

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
  readonly #contexts = new Map<string, Context>();

  run({ namespace, text, dryRun, json }: Request): Pick<Answer, "status" | "output" | "words"> {
    const handle = this.#contextIn(namespace);
    this.#setDryRun(handle, dryRun);
    this.#setFlags(handle, json ? jsonOutput : 0);
    const status = this.#run(handle, text) as number;
    return { status, output: this.#output(handle) as string, words: this.#error(handle) as string };
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

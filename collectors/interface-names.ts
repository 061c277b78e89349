import { if_indextoname } from "../core/netlink/libc.ts";

const IF_NAMESIZE = 16;

/** Names of interfaces in the calling thread's network namespace (if_indextoname(3)). */
export class InterfaceNames {
  readonly #names = new Map<number, string | null>();
  readonly #buffer = Buffer.alloc(128);

  nameOf(index: number): string | null {
    const known = this.#names.get(index);
    if (known !== undefined) return known;
    const name = this.#ask(index);
    this.#names.set(index, name);
    return name;
  }

  /** Interfaces come, go and are renamed: what was learnt is asked again. */
  forget(): void {
    this.#names.clear();
  }

  #ask(index: number): string | null {
    if (if_indextoname(index, this.#buffer) === null) return null;
    return this.#buffer.toString("latin1", 0, this.#buffer.subarray(0, IF_NAMESIZE).indexOf(0));
  }
}

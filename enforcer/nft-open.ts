import { SluiceError } from "../core/errors.ts";
import type { Print, TableSize } from "./listing.ts";
import type { Nft } from "./nft.ts";
import { NftLibrary } from "./nft-library.ts";
import { allTables, nftProgram, printByProgram } from "./nft-program.ts";
import { OwnChildren } from "./own-children.ts";
import type { Listing } from "./tamper/listing.ts";

/** nftables of any network namespace of this machine. */
export interface NftAccess {
  readonly way: "library" | "program";
  /** By the path of the namespace; null is our own. */
  in(namespace: string | null): Nft;
  /** Our table as nft itself prints it; undefined if there is none. For listing.ts. */
  print(namespace: string | null, way: Print): Promise<string | undefined>;
  /** Whether two namespaces hold the same table, and how much; undefined if not, or if this way cannot tell. See twin-tables.ts. */
  twins(namespace: string | null, other: string | null): Promise<TableSize | undefined>;
  listing(namespace: string | null): Listing;
  /** Whether a process is one that this started to change rules. */
  isOurChild(pid: number): boolean;
  close(): Promise<void>;
}

/** By libnftables; without it, by the `nft` program; DEPENDENCY_MISSING without both. */
export async function openNft(): Promise<NftAccess> {
  try {
    const library = await NftLibrary.open();
    return {
      way: "library",
      in: (namespace) => library.in(namespace),
      print: (namespace, way) => library.print(namespace, way),
      twins: (namespace, other) => library.twins(namespace, other),
      // The library's only thread is for our own rules: it must not be busy for seconds with those of others.
      listing: (namespace) => ({ all: () => allTables(namespace) }),
      isOurChild: () => false,
      close: () => library.close(),
    };
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== "DEPENDENCY_MISSING") throw thrown;
    await nftProgram(null).list();
    const children = new OwnChildren();
    return {
      way: "program",
      in: (namespace) => nftProgram(namespace, children),
      listing: (namespace) => ({ all: () => allTables(namespace) }),
      print: printByProgram,
      twins: () => Promise.resolve(undefined),
      isOurChild: (pid) => children.has(pid),
      close: () => Promise.resolve(),
    };
  }
}

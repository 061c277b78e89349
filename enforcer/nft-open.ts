import { SluiceError } from "../core/errors.ts";
import type { Print } from "./listing.ts";
import type { Nft } from "./nft.ts";
import { NftLibrary } from "./nft-library.ts";
import { nftProgram, printByProgram } from "./nft-program.ts";

/** nftables of any network namespace of this machine. */
export interface NftAccess {
  readonly way: "library" | "program";
  /** By the path of the namespace; null is our own. */
  in(namespace: string | null): Nft;
  /** Our table as nft itself prints it; undefined if there is none. For listing.ts. */
  print(namespace: string | null, way: Print): Promise<string | undefined>;
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
      close: () => library.close(),
    };
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== "DEPENDENCY_MISSING") throw thrown;
    await nftProgram(null).list();
    return { way: "program", in: nftProgram, print: printByProgram, close: () => Promise.resolve() };
  }
}

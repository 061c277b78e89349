import type { Interfaces } from "../enforcer/interfaces.ts";
import { KernelInterfaces } from "../enforcer/interfaces-kernel.ts";
import type { Nft } from "../enforcer/nft.ts";
import { openNft } from "../enforcer/nft-open.ts";

/** What enforcers need of the kernel, by the path of a network namespace; null is our own. */
export interface Kernel {
  nft(namespace: string | null): Nft;
  interfaces(namespace: string | null): Interfaces;
  close(): Promise<void>;
}

export async function openKernel(): Promise<Kernel> {
  const nft = await openNft();
  const interfaces = new KernelInterfaces();
  return {
    nft: (namespace) => nft.in(namespace),
    interfaces: (namespace) => interfaces.in(namespace),
    close: async () => {
      await interfaces.close();
      await nft.close();
    },
  };
}

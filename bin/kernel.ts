import type { Conntrack } from "../enforcer/conntrack.ts";
import { KernelConntrack } from "../enforcer/conntrack-kernel.ts";
import type { Interfaces } from "../enforcer/interfaces.ts";
import { KernelInterfaces } from "../enforcer/interfaces-kernel.ts";
import type { Nft } from "../enforcer/nft.ts";
import { openNft } from "../enforcer/nft-open.ts";
import { RulesetFollower } from "../enforcer/tamper/follower.ts";
import type { GuardOptions } from "../enforcer/tamper/guard.ts";
import { watchedSysctls } from "../enforcer/tamper/sysctls.ts";

/** What enforcers need of the kernel, by the path of a network namespace; null is our own. */
export interface Kernel {
  nft(namespace: string | null): Nft;
  interfaces(namespace: string | null): Interfaces;
  /** Connections that a change may close; absent where nothing is known of them. */
  conntrack?(namespace: string | null): Conntrack;
  /** What tells of changes by others; absent where nobody does. */
  readonly tamper?: {
    news(namespace: string | null): GuardOptions["news"];
    listing(namespace: string | null): GuardOptions["listing"];
    readonly isOurChild: GuardOptions["isOurChild"];
  };
  close(): Promise<void>;
}

export async function openKernel(): Promise<Kernel> {
  const nft = await openNft();
  const interfaces = new KernelInterfaces();
  const conntrack = new KernelConntrack();
  const follower = new RulesetFollower();
  return {
    nft: (namespace) => nft.in(namespace),
    interfaces: (namespace) => interfaces.in(namespace),
    conntrack: (namespace) => conntrack.in(namespace),
    tamper: {
      news: (namespace) => follower.in(namespace, watchedSysctls),
      listing: (namespace) => nft.listing(namespace),
      isOurChild: (pid) => nft.isOurChild(pid),
    },
    close: async () => {
      await Promise.all([interfaces.close(), conntrack.close(), follower.close()]);
      await nft.close();
    },
  };
}

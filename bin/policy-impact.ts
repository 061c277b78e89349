import type { FlowQuery } from "../core/flow-store.ts";
import { type Impact, ImpactTally } from "../policy/impact.ts";
import { replay } from "../policy/replay.ts";
import { pagesOf } from "./flow-reading.ts";
import { type PolicyFolder, situationOf } from "./policy-folder.ts";
import type { Store } from "./store.ts";

/** What the policies of a folder would have made of recorded flows, the `top` pairs of it. */
export async function impactOf(
  folder: PolicyFolder,
  pending: boolean,
  { store, query, top }: { readonly store: Store; readonly query: FlowQuery; readonly top: number },
  signal: AbortSignal,
): Promise<Impact> {
  const situation = { ...situationOf(folder, pending), namespaces: folder.namespaces };
  const pages = pagesOf(store, { ...query, order: "oldest", limit: Number.POSITIVE_INFINITY }, signal);
  const tally = new ImpactTally();
  for await (const batch of replay(situation, pages)) for (const replayed of batch) tally.add(replayed);
  return tally.impact(top);
}

import { openStore } from "../../bin/open-store.ts";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { LocalServices } from "../../scripts/services/local.ts";
import { randomFrom } from "../support/random.ts";
import { ChaosLab, nodes } from "./chaos-lab.ts";
import { faultsOf, inRandomOrder } from "./faults.ts";
import { feed } from "./feed.ts";
import { type Account, accountOf, isBalanced, type LostSpan, type Made } from "./ledger.ts";

export interface ChaosOptions {
  readonly services: LocalServices;
  /** How long things go wrong. */
  readonly durationMs: number;
  readonly seed: number;
  /** Connections a second, of each node. */
  readonly rate: number;
  readonly say: (line: string) => void;
}

export interface ChaosResult {
  readonly accounts: readonly Account[];
  readonly faults: readonly string[];
  /** How often a process ended by itself. */
  readonly gaveUp: ReadonlyMap<string, number>;
  /** Indices of flows, and hours of the archive that are sealed. */
  readonly indices: number;
}

const betweenMs = 1_000;
/** Until connections have ended, and their ends were told. */
const afterMs = 14_000;
const settleMs = 240_000;
const pollMs = 3_000;

/**
 * Steady traffic on two nodes, whose records go through every process into both stores, while one thing after the other goes wrong. At the end
 * all is well again, and what was made is held against what both stores have and what is told as lost.
 */
export async function chaos({ services, durationMs, seed, rate, say }: ChaosOptions): Promise<ChaosResult> {
  const lab = new ChaosLab(services);
  const over = new AbortController();
  let fed: Promise<readonly Made[]> = Promise.resolve([]);
  try {
    await lab.up();
    fed = feed(lab.topics, durationMs, over.signal);
    // What was before collectors listen is not theirs.
    await Promise.all(lab.stages.map(({ ready }) => ready));
    const count = Math.round((rate * (durationMs + 3_000)) / 1000);
    const traffic = nodes.map(async (node) => made(node, rate, await started(lab, node, rate, count)));
    const faults = await breakThings(lab, { durationMs, seed, say });
    const all = (await Promise.all(traffic)).flat();
    over.abort();
    await systemClock.sleep(afterMs);
    const everything = [...all, ...(await fed)];
    say(`${everything.length} connections were made; waiting until all is told`);
    const accounts = await settled(lab, everything, say);
    await lab.stop();
    const gaveUp = new Map(lab.stages.map(({ name, gaveUp: times }) => [name, times]));
    return { accounts, faults, gaveUp, indices: await indicesOf(lab) };
  } finally {
    over.abort();
    await Promise.allSettled([fed]);
    await lab.down();
  }
}

async function started(lab: ChaosLab, node: string, rate: number, count: number) {
  const at = systemClock.now();
  const load = await lab.traffic.get(node)?.load(rate, count, 0, "udp");
  if (load?.opened !== count) throw new Error(`the traffic of ${node} made ${load?.opened} of ${count} connections`);
  return { at, count };
}

/** As connection-load.ts numbers and paces them. */
function made(
  node: string,
  rate: number,
  { at, count }: { readonly at: number; readonly count: number },
): readonly Made[] {
  return Array.from({ length: count }, (_, number) => ({
    node,
    sourcePort: 1024 + (number % 60_000),
    destinationPort: 1000 + Math.floor(number / 60_000),
    at: (at + (number * 1000) / rate) * 1000,
    packets: 1,
  }));
}

async function breakThings(
  lab: ChaosLab,
  { durationMs, seed, say }: Pick<ChaosOptions, "durationMs" | "seed" | "say">,
): Promise<readonly string[]> {
  const random = randomFrom(seed);
  const begun = systemClock.monotonic();
  const done: string[] = [];
  for (const fault of inRandomOrder(faultsOf(lab, random), random)) {
    const elapsed = systemClock.monotonic() - begun;
    if (elapsed >= durationMs) break;
    say(`${(elapsed / 1000).toFixed(0).padStart(4)} s  ${fault.title}`);
    await fault.run();
    done.push(fault.title);
    await systemClock.sleep(betweenMs);
  }
  return done;
}

/** The accounts once all are balanced, or when nothing changes any more. */
/** Who asks is not disturbed. */
const asking = ({ config, proxy }: ChaosLab): Config => ({
  ...config,
  elasticsearch: { ...config.elasticsearch, urls: [proxy.target] },
});

async function settled(lab: ChaosLab, all: readonly Made[], say: (line: string) => void): Promise<readonly Account[]> {
  const begun = systemClock.monotonic();
  for (;;) {
    const accounts = await accountsOf(asking(lab), all);
    const open = accounts.reduce((sum, { missing }) => sum + missing.length, 0);
    if (accounts.every(isBalanced) || systemClock.monotonic() - begun > settleMs) return accounts;
    say(`${open} not yet told, of either store`);
    await systemClock.sleep(pollMs);
  }
}

async function accountsOf(config: Config, all: readonly Made[]): Promise<readonly Account[]> {
  const accounts: Account[] = [];
  for (const from of ["elasticsearch", "archive"] as const) {
    const { flows, losses } = await contentsOf({ ...config, read: { ...config.read, from } });
    for (const [node, ofNode] of Map.groupBy(all, (one) => one.node))
      accounts.push(accountOf({ node, store: from }, ofNode, flows, losses));
  }
  return accounts;
}

async function contentsOf(config: Config) {
  const until = systemClock.now() * 1000 + 3_600_000_000;
  const span = { since: until - 5 * 3_600_000_000, until };
  const store = await openStore(config);
  try {
    const flows: Flow[] = [];
    let cursor: string | undefined;
    do {
      const asked = { ...span, filter: null, allReports: true, order: "oldest", limit: 5_000 } as const;
      const page = await store.search({ ...asked, ...(cursor === undefined ? {} : { cursor }) }, never);
      for (const flow of page.items) flows.push(flow);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return { flows, losses: (await store.losses(span)).map(spanOf) };
  } finally {
    await store.close();
  }
}

const spanOf = ({ node, start, end }: Loss): LostSpan => ({ node, start, end });

async function indicesOf({ proxy, config }: ChaosLab): Promise<number> {
  const path = `/_cat/indices/sluice-flow-${config.elasticsearch.namespace}-*?format=json&h=index`;
  const answer = await fetch(new URL(path, proxy.target));
  return ((await answer.json()) as readonly unknown[]).length;
}

const never = new AbortController().signal;

import type { Flow, FlowEndpoint } from "../core/records/flow.ts";
import type { RuleOrigin } from "./program.ts";
import type { Replayed } from "./replay.ts";

/** What policies would change of recorded traffic, summed up. Numbers are of flow records. */
export interface Impact {
  readonly flows: number;
  readonly same: number;
  readonly newlyDenied: number;
  readonly newlyAllowed: number;
  readonly uncertain: number;
  /** Most flows first. */
  readonly pairs: readonly PairImpact[];
  /** Beyond the listed pairs: how many more, and the flows of those. Of more than the tally holds, flows only. */
  readonly folded: { readonly pairs: number; readonly flows: number };
}

/** Who talks to whom at which port, and what becomes of it by which policy. */
export interface PairImpact {
  readonly change: Exclude<Replayed["change"], "same">;
  /** Namespace and workload, name or address. */
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  /** ICMP: the type. */
  readonly port: number;
  /** The policy that decided then, as the record tells it: `security|gnp:quarantine|deny|0`; null where it tells none. */
  readonly formerly: string | null;
  /** What would decide; null where nothing does, several may, or it is uncertain. */
  readonly by: RuleOrigin | null;
  readonly why: string | null;
  readonly flows: number;
  readonly bytes: number;
}

interface Sum {
  readonly example: Replayed;
  flows: number;
  bytes: number;
}

/** So many pairs are told apart; the flows of later ones are only counted. */
const heldPairs = 50_000;

/** Sums replayed flows up in bounded memory. */
export class ImpactTally {
  readonly #counts = { same: 0, newlyDenied: 0, newlyAllowed: 0, uncertain: 0 };
  readonly #pairs = new Map<string, Sum>();
  #unheld = 0;

  add(replayed: Replayed): void {
    this.#counts[replayed.change] += 1;
    if (replayed.change === "same") return;
    const key = keyOf(replayed);
    const bytes = replayed.flow.bytes + replayed.flow.replyBytes;
    const sum = this.#pairs.get(key);
    if (sum !== undefined) {
      sum.flows += 1;
      sum.bytes += bytes;
    } else if (this.#pairs.size < heldPairs) this.#pairs.set(key, { example: replayed, flows: 1, bytes });
    else this.#unheld += 1;
  }

  /** The `top` pairs with most flows. */
  impact(top: number): Impact {
    const sorted = [...this.#pairs].sort(([a, x], [b, y]) => y.flows - x.flows || (a < b ? -1 : 1));
    const rest = sorted.slice(top).map(([, { flows }]) => flows);
    const folded = { pairs: rest.length, flows: rest.reduce((sum, flows) => sum + flows, this.#unheld) };
    const { same, newlyDenied, newlyAllowed, uncertain } = this.#counts;
    const flows = same + newlyDenied + newlyAllowed + uncertain;
    return { flows, ...this.#counts, pairs: sorted.slice(0, top).map(([, sum]) => pairOf(sum)), folded };
  }
}

function pairOf({ example, flows, bytes }: Sum): PairImpact {
  const { flow, change, by, why } = example;
  return {
    change: change === "same" ? "uncertain" : change,
    source: endName(flow.source, flow.sourceAddress),
    destination: endName(flow.destination, flow.destinationAddress),
    protocol: flow.protocol,
    port: portOf(flow),
    formerly: formerly(flow),
    by,
    why,
    flows,
    bytes,
  };
}

function keyOf({ flow, change, by, why }: Replayed): string {
  return JSON.stringify([
    change,
    endName(flow.source, flow.sourceAddress),
    endName(flow.destination, flow.destinationAddress),
    flow.protocol,
    portOf(flow),
    formerly(flow),
    by,
    by === null ? kindOfGap(why) : null,
  ]);
}

/** Pods of one workload are uncertain for the same reason, each under its own name. */
const kindOfGap = (why: string | null) => why?.split(" ")[0] ?? null;

const portOf = ({ icmp, destinationPort }: Flow) => (icmp === null ? destinationPort : icmp.type);

/** As the archive names pairs: the workload, else the name, else the address. */
function endName(end: FlowEndpoint | null, address: string): string {
  const name = end?.workload ?? end?.name;
  if (name === null || name === undefined) return address;
  return end?.namespace == null ? name : `${end.namespace}/${name}`;
}

/** The last step of the record's trace without its index. */
function formerly({ enforced }: Flow): string | null {
  return enforced.at(-1)?.replace(/^\d+\|/, "") ?? null;
}

import { countedKey } from "../filter/key.ts";
import { compareCounts, comparePairs } from "../flow-order.ts";
import type { Count, Pair } from "../flow-store.ts";
import { connectionKey, partyOf } from "../records/connection.ts";
import type { Flow, FlowEndpoint } from "../records/flow.ts";
import { seenValues } from "./seen-filter.ts";
import { isHidden } from "./seen-flow.ts";

// Sums of records that are seen in part: a store could only sum up what it has, which is more.

/** A record as it is, which tells connections apart, and as it is seen. */
export interface SeenFlow {
  readonly raw: Flow;
  readonly seen: Flow;
}

interface Sum {
  readonly connections: Set<number>;
  packets: number;
  bytes: number;
}

/** Records summed by something that is told of them. */
class Sums<Key> {
  readonly #sums = new Map<string, { readonly key: Key; readonly sum: Sum }>();

  add(key: Key, { raw, seen }: SeenFlow): void {
    const text = JSON.stringify(key);
    const { sum } = this.#sums.get(text) ?? { sum: { connections: new Set<number>(), packets: 0, bytes: 0 } };
    sum.connections.add(connectionKey(raw));
    sum.packets += seen.packets + seen.replyPackets;
    sum.bytes += seen.bytes + seen.replyBytes;
    this.#sums.set(text, { key, sum });
  }

  /** Everything that was told. */
  all(): readonly {
    readonly key: Key;
    readonly connections: number;
    readonly packets: number;
    readonly bytes: number;
  }[] {
    return [...this.#sums.values()].map(({ key, sum }) => ({ key, ...sum, connections: sum.connections.size }));
  }
}

/** As FlowStore.pairs. */
export async function sumPairs(flows: AsyncIterable<readonly SeenFlow[]>, limit: number): Promise<readonly Pair[]> {
  const sums = new Sums<Omit<Pair, "connections" | "packets" | "bytes">>();
  for await (const batch of flows) for (const flow of batch) sums.add(endsOf(flow.seen), flow);
  const pairs = sums
    .all()
    .map(({ key, connections, packets, bytes }): Pair => ({ ...key, connections, packets, bytes }));
  return pairs.sort(comparePairs).slice(0, limit);
}

/** As FlowStore.top. */
export async function sumValues(
  flows: AsyncIterable<readonly SeenFlow[]>,
  name: string,
  limit: number,
): Promise<readonly Count[]> {
  const { field, key } = countedKey(name);
  const sums = new Sums<string>();
  for await (const batch of flows)
    for (const flow of batch) for (const value of seenValues(flow.seen, field, key)) sums.add(String(value), flow);
  const counts = sums.all().map(({ key: value, connections, bytes }): Count => ({ value, connections, bytes }));
  return counts.sort(compareCounts).slice(0, limit);
}

function endsOf({ source, sourceAddress, destination, destinationAddress, protocol, destinationPort, action }: Flow) {
  return {
    source: partySeen(source, sourceAddress),
    destination: partySeen(destination, destinationAddress),
    ...{ protocol, port: destinationPort, verdict: action },
  };
}

/** `prod-shop/cart`; `prod-shop/*` where nothing but the namespace is seen, `node/*` where not even that. */
function partySeen(end: FlowEndpoint | null, address: Flow["sourceAddress"]): string {
  if (end === null || !isHidden(end)) return partyOf(end, address);
  return `${end.namespace ?? end.kind}/${end.workload ?? "*"}`;
}

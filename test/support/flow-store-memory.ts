import { checkFit } from "../../core/filter/fit.ts";
import { countedKey } from "../../core/filter/key.ts";
import { predicateOf } from "../../core/filter/predicate.ts";
import { valuesOf } from "../../core/filter/values.ts";
import { comparePositions, cursorOf, parseCursor } from "../../core/flow-cursor.ts";
import { compareCounts, comparePairs } from "../../core/flow-order.ts";
import type { Count, FlowQuery, FlowStore, Page, Pair, SearchQuery } from "../../core/flow-store.ts";
import { connectionOf, partyOf } from "../../core/records/connection.ts";
import type { Flow } from "../../core/records/flow.ts";

/** What FlowStore promises, as plainly as it can be written, over given records. */
export class MemoryFlowStore implements FlowStore {
  readonly #flows: () => readonly Flow[];

  constructor(flows: () => readonly Flow[]) {
    this.#flows = flows;
  }

  search(query: SearchQuery, signal: AbortSignal): Promise<Page<Flow>> {
    return answered(signal, () => {
      const sign = query.order === "oldest" ? 1 : -1;
      const after = query.cursor === undefined ? undefined : parseCursor(query.cursor, query.order);
      const sorted = this.matching(query).toSorted((a, b) => sign * comparePositions(a, b));
      const left = sorted.filter((flow) => after === undefined || sign * comparePositions(flow, after) > 0);
      const items = left.slice(0, query.limit);
      const last = items.at(-1);
      return left.length > items.length && last !== undefined
        ? { items, cursor: cursorOf(last, query.order) }
        : { items };
    });
  }

  pairs(query: FlowQuery & { readonly limit: number }, signal: AbortSignal): Promise<readonly Pair[]> {
    return answered(signal, () => {
      const groups = Map.groupBy(this.matching(query), (flow) => JSON.stringify(endsOf(flow)));
      const pairs = [...groups.values()].map((flows): Pair => {
        const packets = sum(flows, (flow) => flow.packets + flow.replyPackets);
        return { ...endsOf(flows[0] as Flow), connections: connectionsIn(flows), packets, bytes: bytesOf(flows) };
      });
      return pairs.toSorted(comparePairs).slice(0, query.limit);
    });
  }

  top(
    query: FlowQuery & { readonly field: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly Count[]> {
    return answered(signal, () => {
      const { field, key } = countedKey(query.field);
      const having = new Map<string, Flow[]>();
      for (const flow of this.matching(query))
        for (const value of valuesOf(flow, field, key).map(String)) {
          const flows = having.get(value) ?? [];
          flows.push(flow);
          having.set(value, flows);
        }
      const counts = [...having].map(([value, flows]) => ({
        value,
        connections: connectionsIn(flows),
        bytes: bytesOf(flows),
      }));
      return counts.toSorted(compareCounts).slice(0, query.limit);
    });
  }

  matching({ since, until, filter, allReports }: FlowQuery): readonly Flow[] {
    if (filter !== null) checkFit(filter);
    const holds = filter === null ? () => true : predicateOf(filter);
    return this.#flows().filter(
      (flow) => flow.start >= since && flow.start < until && (allReports || flow.authoritative) && holds(flow),
    );
  }
}

function endsOf(flow: Flow) {
  return {
    source: partyOf(flow.source, flow.sourceAddress),
    destination: partyOf(flow.destination, flow.destinationAddress),
    protocol: flow.protocol,
    port: flow.destinationPort,
    verdict: flow.action,
  };
}

const sum = (flows: readonly Flow[], of: (flow: Flow) => number) => flows.reduce((total, flow) => total + of(flow), 0);
const bytesOf = (flows: readonly Flow[]) => sum(flows, (flow) => flow.bytes + flow.replyBytes);
const connectionsIn = (flows: readonly Flow[]) => new Set(flows.map(connectionOf)).size;

async function answered<T>(signal: AbortSignal, answer: () => T): Promise<T> {
  await Promise.resolve();
  signal.throwIfAborted();
  return answer();
}

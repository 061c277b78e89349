import type { Filter } from "./filter/filter.ts";
import type { Flow } from "./records/flow.ts";

/** A question about flows. Times in microseconds, `since` included, `until` not; by the record's window start. */
export interface FlowQuery {
  readonly since: number;
  readonly until: number;
  readonly filter: Filter | null;
  /** All nodes' records; else only the authoritative one of each connection. */
  readonly allReports: boolean;
}

export interface SearchQuery extends FlowQuery {
  readonly order: "oldest" | "newest";
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly cursor?: string;
}

/** Who talked to whom, summed over records. */
export interface Pair {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
  readonly verdict: Flow["action"];
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

export interface Count {
  readonly value: string;
  readonly connections: number;
  readonly bytes: number;
}

/** Where flows are found again: the archive, later Elasticsearch. A signal cancels the question. */
export interface FlowStore {
  search(query: SearchQuery, signal: AbortSignal): Promise<Page<Flow>>;
  /** By workload (or name, or address where there is none), most bytes first. */
  pairs(query: FlowQuery & { readonly limit: number }, signal: AbortSignal): Promise<readonly Pair[]>;
  /** The most frequent values of a field, most connections first. */
  top(
    query: FlowQuery & { readonly field: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly Count[]>;
}

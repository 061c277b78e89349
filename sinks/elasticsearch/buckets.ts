import type { Query } from "./query.ts";
import type { Question } from "./question.ts";

/** A value of a field: null where a document has none. */
export type Value = string | number | boolean | null;

/** What documents with the same values come to. */
export interface Bucket {
  readonly key: readonly Value[];
  readonly bytes: number;
  readonly packets: number;
  /** The connection that all are of; null: they are of `connections`, more or less. */
  readonly connection: Value;
  readonly connections: number;
}

export interface Summing {
  readonly query: Query;
  /** Paths of the fields to sum by, in the order by which buckets come. */
  readonly fields: readonly string[];
  /** Whether each connection has buckets of its own. */
  readonly exact: boolean;
}

const connectionKey = "sluice.connection_key";

/** Sums of one bucket of an aggregation; the same whatever it is a bucket of. */
export const sums = {
  bytes: { sum: { field: "network.bytes" } },
  packets: { sum: { field: "network.packets" } },
} as const;

/** Below so many connections of a bucket the count is all but right, above within one per cent (HyperLogLog++). */
export const estimate = { cardinality: { field: connectionKey, precision_threshold: 10_000 } } as const;

export interface Sums {
  readonly bytes: { readonly value: number };
  readonly packets: { readonly value: number };
  readonly connections?: { readonly value: number };
}

interface CompositePage {
  readonly after_key?: Readonly<Record<string, Value>>;
  readonly buckets: readonly (Sums & { readonly key: Readonly<Record<string, Value>> })[];
}

/** Every page reads all documents anew, so few are better; behind each bucket's estimate stands a sketch that grows to 64 KiB. */
const pageSize = 5_000;

/** All buckets, sorted by their fields, a page of them at a time. */
export async function* bucketsOf(
  question: Question,
  { query, fields, exact }: Summing,
  signal: AbortSignal,
): AsyncGenerator<readonly Bucket[]> {
  const paths = exact ? [...fields, connectionKey] : fields;
  const sources = paths.map((field, at) => ({ [`s${at}`]: { terms: { field, missing_bucket: true } } }));
  const aggs = exact ? sums : { ...sums, connections: estimate };
  let after: CompositePage["after_key"];
  do {
    const composite = { size: pageSize, sources, ...(after === undefined ? {} : { after }) };
    const page = await question.aggregate<CompositePage>(query, { composite, aggs }, signal);
    yield page.buckets.map((bucket) => ({
      key: fields.map((_, at) => bucket.key[`s${at}`] ?? null),
      bytes: bucket.bytes.value,
      packets: bucket.packets.value,
      connection: exact ? (bucket.key[`s${fields.length}`] ?? null) : null,
      connections: bucket.connections?.value ?? 1,
    }));
    after = page.buckets.length < pageSize ? undefined : page.after_key;
  } while (after !== undefined);
}

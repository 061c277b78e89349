import { parseAddress } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { fields } from "../../core/filter/fields.ts";
import type { Key } from "../../core/filter/key.ts";
import { protocolsWithPorts } from "../../core/filter/values.ts";
import { compareCounts, comparePairs } from "../../core/flow-order.ts";
import type { Count, Pair } from "../../core/flow-store.ts";
import { type Bucket, bucketsOf, estimate, type Summing, type Sums, sums, type Value } from "./buckets.ts";
import { places, protocolNumber } from "./filter-places.ts";
import { pathsOf } from "./filter-query.ts";
import { valuesOf } from "./label-values.ts";
import { allOf, anyOf, isOneOf, type Query } from "./query.ts";
import type { Question } from "./question.ts";
import { Best, type Sum, Tally } from "./tally.ts";

/** Who talked to whom. Buckets of a pair come one after the other, so that only the best of them are held. */
export async function pairsOf(
  question: Question,
  { limit, ...summing }: Omit<Summing, "fields"> & { readonly limit: number },
  signal: AbortSignal,
): Promise<readonly Pair[]> {
  const fields = ["sluice.pair.source", "sluice.pair.destination", protocolNumber, "destination.port", "event.action"];
  const best = new Best(limit, comparePairs);
  const all = { ...summing, fields };
  for await (const { key, sum } of runsOf(bucketsOf(question, all, signal))) {
    const [source, destination, protocol, port, verdict] = key;
    const ends = { source: String(source), destination: String(destination) };
    best.add({ ...ends, protocol: Number(protocol), port: Number(port), verdict: verdict as Pair["verdict"], ...sum });
  }
  return best.sorted();
}

export interface Counting extends Omit<Summing, "fields"> {
  readonly by: Key;
  readonly limit: number;
}

/** The values of a field. */
export async function countsOf(question: Question, counting: Counting, signal: AbortSignal): Promise<readonly Count[]> {
  const { by, limit } = counting;
  const place = places[by.field];
  if (place.at === "time")
    throw new SluiceError(
      "NOT_IN_STORE",
      "Elasticsearch cannot count by time, which it knows by the millisecond there",
    );
  if (place.at === "labels") return labelCounts(question, counting, signal);
  const paths = pathsOf(by.field, by.key);
  const isPort = place.at === "port";
  const query = isPort
    ? allOf([counting.query, isOneOf(protocolNumber, protocolsWithPorts.map(String))])
    : counting.query;
  const best = new Best(limit, compareCounts);
  const buckets = bucketsOf(question, { ...counting, query, fields: paths }, signal);
  const textsOf = (key: readonly Value[]): readonly string[] => [...new Set(textsIn(key, by, isPort))];
  const isOneText = paths.length === 1;
  for await (const [value, sum] of isOneText ? countsOfRuns(buckets, textsOf) : countsOfAll(buckets, textsOf))
    best.add({ value, connections: sum.connections, bytes: sum.bytes });
  return best.sorted();
}

/** What a key says of a field, as `valuesOf` of core/filter/values.ts does. */
function textsIn(key: readonly Value[], { field }: Key, isPort: boolean): readonly string[] {
  if (places[field].at === "service") {
    const [namespace, name] = key;
    return name === null ? [] : [String(name), `${namespace}/${name}`];
  }
  const present = isPort ? key.map((value) => value ?? 0) : key.filter((value) => value !== null);
  return fields[field].type === "address" ? present.map((text) => parseAddress(String(text))) : present.map(String);
}

interface RunSum {
  readonly key: readonly Value[];
  readonly sum: Sum;
}

/** Buckets with the same key, which stand together, as one. */
async function* runsOf(pages: AsyncIterable<readonly Bucket[]>): AsyncGenerator<RunSum> {
  let run: { readonly name: string; readonly key: readonly Value[]; readonly tally: Tally } | undefined;
  for await (const page of pages)
    for (const bucket of page) {
      const name = JSON.stringify(bucket.key);
      if (run !== undefined && run.name !== name) yield { key: run.key, sum: run.tally.sum };
      if (run?.name !== name) run = { name, key: bucket.key, tally: new Tally() };
      run.tally.add(bucket);
    }
  if (run !== undefined) yield { key: run.key, sum: run.tally.sum };
}

async function* countsOfRuns(
  pages: AsyncIterable<readonly Bucket[]>,
  textsOf: (key: readonly Value[]) => readonly string[],
): AsyncGenerator<readonly [string, Sum]> {
  for await (const { key, sum } of runsOf(pages)) for (const text of textsOf(key)) yield [text, sum];
}

/** So many different values may either end have together; they are held while the buckets come. */
const mostValues = 200_000;

/** Where values stand in several fields, and a bucket has several: each counts for all of them. */
async function* countsOfAll(
  pages: AsyncIterable<readonly Bucket[]>,
  textsOf: (key: readonly Value[]) => readonly string[],
): AsyncGenerator<readonly [string, Sum]> {
  const tallies = new Map<string, Tally>();
  for await (const page of pages)
    for (const bucket of page)
      for (const text of textsOf(bucket.key)) {
        const tally = tallies.get(text) ?? new Tally();
        tallies.set(text, tally);
        tally.add(bucket);
        if (tallies.size > mostValues)
          throw new SluiceError("FILTER_INVALID", `there are more than ${mostValues} values: ask for less time`);
      }
  for (const [text, tally] of tallies) yield [text, tally.sum];
}

/** Values of labels that one request asks for. */
const labelsAtOnce = 200;

interface Filters {
  readonly buckets: Readonly<Record<string, Sums>>;
}

/** `composite` does not know `flattened` fields well (label-values.ts), so values are looked up, and then what each comes to. */
async function labelCounts(
  question: Question,
  { query, by, limit }: Counting,
  signal: AbortSignal,
): Promise<readonly Count[]> {
  const paths = pathsOf(by.field, by.key);
  const found = await Promise.all(paths.map((path) => valuesOf(question, { path, query }, signal)));
  const values = [...new Set(found.flat())];
  const best = new Best(limit, compareCounts);
  for (let from = 0; from < values.length; from += labelsAtOnce) {
    const asked = values.slice(from, from + labelsAtOnce);
    const having = (value: string): Query => anyOf(paths.map((path) => isOneOf(path, [value])));
    const filters = Object.fromEntries(asked.map((value, at) => [`v${at}`, having(value)]));
    const aggregation = { filters: { filters }, aggs: { ...sums, connections: estimate } };
    const { buckets } = await question.aggregate<Filters>(query, aggregation, signal);
    for (const [at, value] of asked.entries()) {
      const { bytes, connections } = buckets[`v${at}`] as Sums;
      best.add({ value, connections: connections?.value ?? 0, bytes: bytes.value });
    }
  }
  return best.sorted();
}

import type { DnsEnd, DnsQuery } from "../../core/dns-query.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import { joinedRuns, type Run } from "../../core/records/runs.ts";
import { isWithin } from "./addresses.ts";
import { type Asking, hitsOf, inTime, openQuestion, type Span } from "./asking.ts";
import { type DataSetName, dataSets, type RecordOfSet } from "./documents/data-sets.ts";
import { refuseMerged } from "./merged-flows.ts";
import { allOf, exists, isOneOf, not, type Query } from "./query.ts";
import { anewWhereGone, type Question } from "./question.ts";
import { isLike } from "./text-match.ts";
import { startedIn } from "./times.ts";

const never: AbortSignal = new AbortController().signal;

/** Reads records of other kinds than flows from Elasticsearch. Whoever gives `elastic` closes it. */
export class ElasticRecords {
  readonly #asking: Asking;

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  /** Those that began in the span, by start. */
  heartbeats(span: Span, signal = never): Promise<readonly Heartbeat[]> {
    return this.#started("heartbeat", span, signal);
  }

  losses(span: Span, signal = never): Promise<readonly Loss[]> {
    return this.#started("loss", span, signal);
  }

  async changes(span: Span, signal = never): Promise<readonly ChangeRecord[]> {
    // Of one start, those of one node in the order of their ids.
    const sort = [...inTime("asc").slice(0, 2), { "event.id": { order: "asc" } }];
    return this.#records("change", span, { query: startedIn(span.since, span.until), sort }, signal);
  }

  /** The newest that match, oldest first. */
  async dns({ since, until, limit, ...wanted }: DnsQuery, signal = never): Promise<readonly DnsRecord[]> {
    const query = allOf([startedIn(since, until), ...dnsQueries(wanted)]);
    const newest = { query, sort: inTime("desc"), limit: Math.max(0, Math.trunc(limit)) };
    return (await this.#records("dns", { since, until }, newest, signal)).toReversed();
  }

  /** The numbers that flows, losses, heartbeats and records of DNS which started in the span have, as runs without gaps. */
  async sequences(span: Span, signal = never): Promise<readonly Run[]> {
    const runs: Run[] = [];
    for (const set of ["flow", "loss", "heartbeat", "dns"] as const)
      runs.push(...(await this.#asked(set, span, (question) => runsOf(question, set, span, signal), signal)));
    return joinedRuns(runs);
  }

  #started<N extends "heartbeat" | "loss">(
    set: N,
    span: Span,
    signal: AbortSignal,
  ): Promise<readonly RecordOfSet[N][]> {
    return this.#records(set, span, { query: startedIn(span.since, span.until), sort: inTime("asc") }, signal);
  }

  #records<N extends DataSetName>(
    set: N,
    span: Span,
    { limit = Number.POSITIVE_INFINITY, ...listing }: { query: Query; sort: readonly object[]; limit?: number },
    signal: AbortSignal,
  ): Promise<readonly RecordOfSet[N][]> {
    const read = dataSets[set].read as (source: Readonly<Record<string, unknown>>) => RecordOfSet[N];
    return this.#asked(
      set,
      span,
      async (question) => {
        const records: RecordOfSet[N][] = [];
        for await (const hits of hitsOf(question, { ...listing, limit, withSource: true }, signal))
          for (const { _source = {} } of hits) records.push(read(_source));
        return records;
      },
      signal,
    );
  }

  #asked<T>(
    set: DataSetName,
    span: Span,
    work: (question: Question) => Promise<readonly T[]>,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    return anewWhereGone(async () => {
      const question = await openQuestion(this.#asking, set, span, signal);
      if (question === undefined) return [];
      try {
        return await work(question);
      } finally {
        await question.close();
      }
    });
  }
}

const byNumber = ["observer.name", "sluice.epoch", "event.sequence"].map((field) => ({ [field]: { order: "asc" } }));

async function runsOf(question: Question, set: DataSetName, span: Span, signal: AbortSignal): Promise<readonly Run[]> {
  if (set === "flow") await refuseMerged(question, { ...span, filter: null, allReports: true }, signal);
  const runs: Run[] = [];
  const all = { query: startedIn(span.since, span.until), sort: byNumber, limit: Number.POSITIVE_INFINITY };
  for await (const hits of hitsOf(question, { ...all, withSource: false }, signal))
    for (const { sort = [] } of hits) {
      const [node, epoch, seq] = [String(sort[0]), Number(sort[1]), Number(sort[2])];
      const run = runs.at(-1);
      if (run?.node === node && run.epoch === epoch && run.last + 1 >= seq)
        runs[runs.length - 1] = { ...run, last: seq };
      else runs.push({ node, epoch, first: seq, last: seq });
    }
  return runs;
}

/** Everything of a question but its time. */
function dnsQueries(wanted: Omit<DnsQuery, "since" | "until" | "limit">): readonly Query[] {
  const { allReports, name, type, rcode, client, server, node } = wanted;
  return [
    ...(allReports ? [] : [isOneOf("sluice.authoritative", [true])]),
    ...(name === undefined ? [] : [isLike("dns.question.name", name)]),
    ...(type === undefined ? [] : [isOneOf("dns.question.type", [type])]),
    ...(rcode === null ? [not(exists("dns.response_code"))] : []),
    ...(typeof rcode === "string" ? [isOneOf("dns.response_code", [rcode])] : []),
    ...(node === undefined ? [] : [isOneOf("observer.name", [node])]),
    ...(client === undefined ? [] : [endQuery("source", client)]),
    ...(server === undefined ? [] : [endQuery("destination", server)]),
  ];
}

function endQuery(side: "source" | "destination", end: DnsEnd): Query {
  if (end.by === "address") return isWithin(`${side}.ip`, end.cidr);
  const named = isLike(`sluice.${side}.name`, end.name);
  return end.namespace === null ? named : allOf([named, isLike(`sluice.${side}.namespace`, end.namespace)]);
}

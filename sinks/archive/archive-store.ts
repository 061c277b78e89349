import { BIGINT } from "@duckdb/node-api";
import type { DnsQuery } from "../../core/dns-query.ts";
import { fields } from "../../core/filter/fields.ts";
import { countedKey } from "../../core/filter/key.ts";
import { cursorOf, type Position, parseCursor } from "../../core/flow-cursor.ts";
import type { Count, FlowQuery, FlowStore, Page, Pair, SearchQuery } from "../../core/flow-store.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import { type EndpointTenure, retellHours } from "../../core/records/endpoint.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { ProgramRecord } from "../../core/records/program.ts";
import { joinedRuns, type Run } from "../../core/records/runs.ts";
import { addressOf } from "./address-columns.ts";
import type { Row } from "./database.ts";
import { dnsCondition } from "./dns-sql.ts";
import { Bindings, conditionOf, listOf } from "./filter-sql.ts";
import { hourOf } from "./layout.ts";
import { Reader, type ReaderOptions } from "./read.ts";
import {
  changeOfRow,
  dnsOfRow,
  flowOfRow,
  heartbeatOfRow,
  lossOfRow,
  programOfRow,
  tenureOfRow,
} from "./record-of-row.ts";
import { runOfRow, runsSql } from "./runs.ts";

/** A span of time in microseconds, `since` included, `until` not. */
export interface Span {
  readonly since: number;
  readonly until: number;
}

/** Connections are told once a window; these columns are the same in all windows of one. */
const connection = [
  ...["node", "zone", "protocol", "source_address_high", "source_address_low", "source_port"],
  ...["destination_address_high", "destination_address_low", "destination_port", "started_at"],
].join(", ");

/** Reads the archive: beside its writer, or from another process. */
export class ArchiveStore implements FlowStore {
  readonly #reader: Reader;

  constructor(options: ReaderOptions) {
    this.#reader = new Reader(options);
  }

  /** Looks into the hours nearest first, and into twice as many with each step, until the page is full. */
  async search(query: SearchQuery, signal: AbortSignal): Promise<Page<Flow>> {
    const wanted = Math.max(1, Math.trunc(query.limit));
    const after = query.cursor === undefined ? undefined : parseCursor(query.cursor, query.order);
    const newest = query.order === "newest";
    const since = !newest && after !== undefined ? Math.max(query.since, after.start) : query.since;
    const until = newest && after !== undefined ? Math.min(query.until, after.start + 1) : query.until;
    const items: Flow[] = [];
    for (const span of steps(await this.#hours({ since, until }), { since, until }, newest)) {
      const rows = await this.#page({ ...query, ...span }, span.hours, wanted + 1 - items.length, after, signal);
      for (const row of rows) items.push(flowOfRow(row));
      if (items.length > wanted) break;
    }
    const page = items.slice(0, wanted);
    const last = page.at(-1);
    return items.length > wanted && last !== undefined
      ? { items: page, cursor: cursorOf(last, query.order) }
      : { items: page };
  }

  async pairs(query: FlowQuery & { readonly limit: number }, signal: AbortSignal): Promise<readonly Pair[]> {
    const bindings = new Bindings();
    const where = this.#where(query, bindings);
    const limit = bindings.bind(BigInt(Math.max(0, Math.trunc(query.limit))), BIGINT);
    const sql = (relation: string) => `
      select ${end("source")}, ${end("destination")}, protocol, destination_port as port, action,
        count(distinct hash(${connection}))::DOUBLE as connections,
        sum(packets + reply_packets)::DOUBLE as packets, sum(bytes + reply_bytes)::DOUBLE as bytes
      from ${relation} where ${where} group by all
      order by bytes desc, connections desc, source, destination, protocol, port, action limit ${limit}`;
    const rows = await this.#reader.rows("flow", await this.#hours(query), sql, bindings, signal);
    return rows.map(pairOf);
  }

  async top(
    query: FlowQuery & { readonly field: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly Count[]> {
    const { field, key } = countedKey(query.field);
    const bindings = new Bindings();
    const where = this.#where(query, bindings);
    const list = listOf(field, key, bindings);
    const limit = bindings.bind(BigInt(Math.max(0, Math.trunc(query.limit))), BIGINT);
    const sql = (relation: string) => `
      select value, count(distinct c)::DOUBLE as connections, sum(b)::DOUBLE as bytes
      from (select unnest(${list}) as value, hash(${connection}) as c, bytes + reply_bytes as b
        from ${relation} where ${where})
      where value is not null group by value order by connections desc, bytes desc, value limit ${limit}`;
    const rows = await this.#reader.rows("flow", await this.#hours(query), sql, bindings, signal);
    const textOf = (value: string) => (fields[field].type === "address" ? addressText(value) : value);
    return rows.map((row) => ({
      value: textOf(String(row["value"])),
      connections: Number(row["connections"]),
      bytes: Number(row["bytes"]),
    }));
  }

  async heartbeats(span: Span, signal?: AbortSignal): Promise<readonly Heartbeat[]> {
    return (await this.#started("heartbeat", span, signal)).map(heartbeatOfRow);
  }

  async losses(span: Span, signal?: AbortSignal): Promise<readonly Loss[]> {
    return (await this.#started("loss", span, signal)).map(lossOfRow);
  }

  /** The newest that match, oldest first. */
  async dns({ since, until, limit, ...wanted }: DnsQuery, signal?: AbortSignal): Promise<readonly DnsRecord[]> {
    const bindings = new Bindings();
    const where = `${startedIn({ since, until }, bindings)} and ${dnsCondition(wanted, bindings)}`;
    const bound = bindings.bind(BigInt(Math.max(0, Math.trunc(limit))), BIGINT);
    const sql = (relation: string) =>
      `select * from ${relation} where ${where} order by start desc, node desc, epoch desc, seq desc limit ${bound}`;
    const hours = await this.#reader.hours("dns", hourOf(since), hourOf(until));
    return (await this.#reader.rows("dns", hours, sql, bindings, signal)).map(dnsOfRow).reverse();
  }

  /** The numbers that flows, losses, heartbeats and records of DNS which started in the span have, as runs without gaps. */
  async sequences(span: Span, signal?: AbortSignal): Promise<readonly Run[]> {
    const runs: Run[] = [];
    for (const kind of ["flow", "loss", "heartbeat", "dns"] as const) {
      const bindings = new Bindings();
      const within = startedIn(span, bindings);
      const hours = await this.#reader.hours(kind, hourOf(span.since), hourOf(span.until));
      const rows = await this.#reader.rows(kind, hours, (relation) => runsSql(relation, within), bindings, signal);
      runs.push(...rows.map(runOfRow));
    }
    return joinedRuns(runs);
  }

  /** Tenures that held at some time of the span, each as it was told last, by start. */
  async endpoints(span: Span, signal?: AbortSignal): Promise<readonly EndpointTenure[]> {
    const bindings = new Bindings();
    const [since, until] = [bindings.time(span.since), bindings.time(span.until)];
    const sql = (relation: string) => `
      select * from (select * from ${relation}
        qualify row_number() over (partition by cluster, address_high, address_low, name, uid, start
          order by told_at desc, "end" nulls last) = 1)
      where start < ${until} and ("end" is null or "end" > ${since})
      order by start, address_high, address_low, name`;
    const hours = hoursOfTenures(await this.#reader.hours("endpoint"), hourOf(span.since));
    const rows = await this.#reader.rows("endpoint", hours, sql, bindings, signal);
    return rows.map(tenureOfRow);
  }

  /** Changes that began in the span, by start. */
  async changes(span: Span, signal?: AbortSignal): Promise<readonly ChangeRecord[]> {
    const bindings = new Bindings();
    const within = startedIn(span, bindings);
    const sql = (relation: string) =>
      `select distinct * from ${relation} where ${within} order by start, node, change_id`;
    const hours = await this.#reader.hours("change", hourOf(span.since), hourOf(span.until));
    return (await this.#reader.rows("change", hours, sql, bindings, signal)).map(changeOfRow);
  }

  /** All programs there ever were, by start. */
  async programs(signal?: AbortSignal): Promise<readonly ProgramRecord[]> {
    const sql = (relation: string) => `select distinct * from ${relation} order by start, cluster, revision`;
    const rows = await this.#reader.rows("program", await this.#reader.hours("program"), sql, {}, signal);
    return rows.map(programOfRow);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #started(kind: "heartbeat" | "loss", span: Span, signal?: AbortSignal): Promise<readonly Row[]> {
    const bindings = new Bindings();
    const within = startedIn(span, bindings);
    const sql = (relation: string) => `select * from ${relation} where ${within} order by start, node, epoch, seq`;
    const hours = await this.#reader.hours(kind, hourOf(span.since), hourOf(span.until));
    return this.#reader.rows(kind, hours, sql, bindings, signal);
  }

  #hours({ since, until }: Span): Promise<readonly number[]> {
    return this.#reader.hours("flow", hourOf(since), hourOf(until));
  }

  /**
   * In two steps: the ids of the page, of which the last ones bound its time; then all columns within that time. Decoding seventy columns
   * of an hour takes ten times as long as the few that decide.
   */
  async #page(
    query: SearchQuery,
    hours: readonly number[],
    limit: number,
    after: Position | undefined,
    signal: AbortSignal,
  ): Promise<readonly Row[]> {
    const by = query.order === "newest" ? " desc" : "";
    const ordered = `order by start${by}, node${by}, epoch${by}, seq${by} limit ${limit}`;
    const select = (columns: string, span: Span) => {
      const bindings = new Bindings();
      const where = [this.#where({ ...query, ...span }, bindings)];
      if (after !== undefined) where.push(beyond(after, query.order, bindings));
      const sql = (relation: string) => `select ${columns} from ${relation} where ${where.join(" and ")} ${ordered}`;
      return this.#reader.rows("flow", hours, sql, bindings, signal);
    };
    const starts = (await select("epoch_us(start)::DOUBLE as start, node, epoch, seq", query)).map(({ start }) =>
      Number(start),
    );
    if (starts.length === 0) return [];
    const [first, last] = [starts[0] as number, starts.at(-1) as number];
    return select("* exclude (tiers, policies)", { since: Math.min(first, last), until: Math.max(first, last) + 1 });
  }

  #where({ since, until, filter, allReports }: FlowQuery, bindings: Bindings): string {
    const conditions = [startedIn({ since, until }, bindings)];
    if (!allReports) conditions.push("authoritative");
    if (filter !== null) conditions.push(conditionOf(filter, bindings));
    return conditions.join(" and ");
  }
}

/**
 * Hours that tell of all tenures that held at `since` or later. Whoever watched then had told all of them in the `retellHours` before,
 * or before its last word; their ends may be told at any time after.
 */
function hoursOfTenures(hours: readonly number[], since: number): readonly number[] {
  const last = hours.findLast((hour) => hour <= since) ?? since;
  return hours.filter((hour) => hour >= last - retellHours - 1);
}

function startedIn({ since, until }: Span, bindings: Bindings): string {
  return `start >= ${bindings.time(since)} and start < ${bindings.time(until)}`;
}

interface Step extends Span {
  readonly hours: readonly number[];
}

/** Cuts a span where hours begin: one hour with files first, then two, four, … Rows in memory may be of any time of it. */
function steps(hours: readonly number[], span: Span, newest: boolean): readonly Step[] {
  const hourUs = 3_600_000_000;
  const made: Step[] = [];
  let { since, until } = span;
  const rest = [...hours];
  for (let size = 1; rest.length > size; size *= 2) {
    const taken = newest ? rest.splice(-size) : rest.splice(0, size);
    const cut = newest ? (taken[0] as number) * hourUs : (rest[0] as number) * hourUs;
    if (cut <= since || cut >= until) return [...made, { since, until, hours: [...rest, ...taken] }];
    made.push(newest ? { since: cut, until, hours: taken } : { since, until: cut, hours: taken });
    if (newest) until = cut;
    else since = cut;
  }
  return [...made, { since, until, hours: rest }];
}

function beyond({ start, node, epoch, seq }: Position, order: SearchQuery["order"], bindings: Bindings): string {
  const op = order === "newest" ? "<" : ">";
  const [s, n] = [bindings.time(start), bindings.bind(node)];
  const [e, q] = [bindings.bind(BigInt(epoch), BIGINT), bindings.bind(BigInt(seq), BIGINT)];
  const later = `epoch ${op} ${e} or (epoch = ${e} and seq ${op} ${q})`;
  return `(start ${op} ${s} or (start = ${s} and (node ${op} ${n} or (node = ${n} and (${later})))))`;
}

/** Whose end it is: namespace and workload, or what else is known. Addresses only where there is no name. */
function end(name: "source" | "destination"): string {
  const known = `coalesce(${name}_workload, ${name}_name)`;
  const path = `case when ${name}_namespace is null then ${known} else ${name}_namespace || '/' || ${known} end`;
  const half = (which: string) => `case when ${known} is null then ${name}_address_${which} end as ${name}_${which}`;
  return `${path} as ${name}, ${half("high")}, ${half("low")}`;
}

function pairOf(row: Row): Pair {
  const nameOf = (name: string) =>
    row[name] === null ? String(addressOf(row[`${name}_high`] ?? null, row[`${name}_low`] ?? null)) : String(row[name]);
  return {
    source: nameOf("source"),
    destination: nameOf("destination"),
    protocol: Number(row["protocol"]),
    port: Number(row["port"]),
    verdict: row["action"] as Flow["action"],
    connections: Number(row["connections"]),
    packets: Number(row["packets"]),
    bytes: Number(row["bytes"]),
  };
}

function addressText(halves: string): string {
  const [high, low] = halves.split(" ");
  return String(addressOf(BigInt(high ?? 0), BigInt(low ?? 0)));
}

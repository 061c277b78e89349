import { UBIGINT } from "@duckdb/node-api";
import type { DnsEnd, DnsQuery } from "../../core/dns-query.ts";
import { rangeOf } from "./address-columns.ts";
import { type Bindings, likePattern } from "./filter-sql.ts";

/** A condition for WHERE, of everything but the time. */
export function dnsCondition(
  { allReports, name, type, rcode, client, server, node }: Omit<DnsQuery, "since" | "until" | "limit">,
  bindings: Bindings,
): string {
  const like = (column: string, glob: string) => `${column} like ${bindings.bind(likePattern(glob))} escape '\\'`;
  const conditions: string[] = [];
  if (!allReports) conditions.push("authoritative");
  if (name !== undefined) conditions.push(like("name", name));
  if (type !== undefined) conditions.push(`query_type = ${bindings.bind(type)}`);
  if (rcode === null) conditions.push("rcode is null");
  else if (rcode !== undefined) conditions.push(`rcode = ${bindings.bind(rcode)}`);
  if (node !== undefined) conditions.push(`node = ${bindings.bind(node)}`);
  if (client !== undefined) conditions.push(endCondition("client", client));
  if (server !== undefined) conditions.push(endCondition("server", server));
  return conditions.length === 0 ? "true" : conditions.join(" and ");

  function endCondition(end: "client" | "server", wanted: DnsEnd): string {
    if (wanted.by === "name") {
      const named = like(`${end}_name`, wanted.name);
      return wanted.namespace === null ? named : `${named} and ${like(`${end}_namespace`, wanted.namespace)}`;
    }
    const { first, last } = rangeOf(wanted.cidr);
    const [high, low] = [`${end}_address_high`, `${end}_address_low`];
    const from = [bindings.bind(first.high, UBIGINT), bindings.bind(first.low, UBIGINT)];
    const to = [bindings.bind(last.high, UBIGINT), bindings.bind(last.low, UBIGINT)];
    const above = `(${high} > ${from[0]} or (${high} = ${from[0]} and ${low} >= ${from[1]}))`;
    return `${above} and (${high} < ${to[0]} or (${high} = ${to[0]} and ${low} <= ${to[1]}))`;
  }
}

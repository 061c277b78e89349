import { tryParseAddress } from "../../../core/address.ts";
import { protocolNames } from "../../../core/filter/values.ts";
import type { DnsRecord } from "../../../core/records/dns.ts";
import { endpointFields, kindFields, numberedFields } from "./common-fields.ts";
import { type DocumentField, derived, stored } from "./field.ts";
import { countedIfAny, fewTexts, flag, list, number, numberAsText, text, time, truth, word } from "./forms.ts";

const few = ["keyword", "few"] as const;
const name = ["keyword", "unbounded"] as const;
const count = ["long", "unbounded"] as const;
const address = ["ip", "cluster"] as const;
const moment = ["date_nanos", "unbounded"] as const;

export const dnsFields: readonly DocumentField<DnsRecord>[] = [
  ...kindFields<DnsRecord>("dns", "event", ["network"]),
  ...numberedFields<DnsRecord>(),
  stored("@timestamp", moment, "start", time, "When the query was seen; if only the answer was, when that was."),
  stored("event.end", moment, "end", time, "When the answer was seen, or waited for no longer."),
  derived("event.duration", count, durationOf, "From query to answer, nanoseconds, where the kernel stamped both."),
  derived("event.outcome", few, outcomeOf, "success (NOERROR), failure, unknown (no answer was seen)."),
  stored("network.iana_number", few, "protocol", numberAsText, "17 UDP, 6 TCP."),
  derived("network.transport", few, transportOf, "udp, tcp."),
  derived("network.protocol", few, () => '"dns"', "Always `dns`."),
  stored("source.ip", address, "clientAddress", word, "Who asked."),
  stored("source.port", ["long", "unbounded"], "clientPort", countedIfAny, "Its port."),
  stored("destination.ip", address, "serverAddress", word, "Who answered, after DNAT."),
  stored("destination.port", ["long", "few"], "serverPort", countedIfAny, "Its port."),
  stored("dns.question.name", name, "name", text, "What was asked for, in lower case."),
  stored("dns.question.type", few, "queryType", fewTexts(), "A, AAAA, …"),
  stored("dns.question.class", few, "queryClass", fewTexts(), "IN, mostly."),
  stored("dns.response_code", few, "rcode", fewTexts(), "NOERROR, NXDOMAIN, …; absent: no answer was seen."),
  stored("dns.answers", ["json", "unbounded"], "answers", list, "Records with name, type, ttl and data; not searched."),
  derived("dns.resolved_ip", ["ip", "unbounded"], resolvedOf, "Addresses in the answers."),
  stored("sluice.dns.truncated", ["boolean", "few"], "truncated", flag, "There is more, by TCP. Absent: no."),
  stored("sluice.dns.answer_count", ["long", "few"], "answerCount", countedIfAny, "As the answer says. Absent: 0."),
  stored("sluice.dns.latency", count, "latency", number, "From query to answer, microseconds."),
  stored("sluice.authoritative", ["boolean", "few"], "authoritative", truth, "The one record of an exchange to count."),
  ...endpointFields<DnsRecord>("sluice.source", "client", "the client"),
  ...endpointFields<DnsRecord>("sluice.destination", "server", "the server"),
];

function durationOf({ latency }: DnsRecord): string | undefined {
  return latency === null || latency < 0 || latency > 9.2e15 ? undefined : latency === 0 ? "0" : `${latency}000`;
}

function outcomeOf({ rcode }: DnsRecord): string {
  if (rcode === null) return '"unknown"';
  return rcode === "NOERROR" ? '"success"' : '"failure"';
}

function transportOf({ protocol }: DnsRecord): string | undefined {
  const known = protocolNames.get(protocol);
  return known === undefined ? undefined : `"${known}"`;
}

function resolvedOf({ answers }: DnsRecord): string | undefined {
  const addresses = answers.flatMap(({ type, data }) =>
    type === "A" || type === "AAAA" ? (tryParseAddress(data) ?? []) : [],
  );
  return addresses.length === 0 ? undefined : JSON.stringify(addresses);
}

import type { Address } from "../../core/address.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { FlowEndpoint } from "../../core/records/flow.ts";
import { objectWriter } from "../../sinks/live/jsonl.ts";
import { microTime, secondText } from "../micro-time.ts";
import type { Shape } from "./format.ts";

export const dnsShape: Shape<DnsRecord> = {
  objectOf: objectWriter("dns"),
  nameOf: ({ node, epoch, seq }) => `${node}/${epoch}/${seq}`,
  columns: [
    { header: "time", cell: ({ start }) => microTime(start), text: ({ start }) => secondText(start) },
    { header: "client", cell: ({ client, clientAddress }) => endText(client, clientAddress) },
    { header: "name", cell: ({ name }) => name },
    { header: "type", cell: ({ queryType }) => queryType },
    { header: "result", cell: ({ rcode }) => rcode ?? "no answer" },
    { header: "ms", cell: ({ latency }) => (latency === null ? null : Math.round(latency / 100) / 10) },
    { header: "answers", cell: answersText },
    { header: "server", cell: ({ server, serverAddress }) => endText(server, serverAddress), only: "wide" },
    { header: "by", cell: ({ protocol }) => (protocol === 6 ? "tcp" : "udp"), only: "wide" },
    { header: "node", cell: ({ node }) => node, only: "wide" },
    { header: "client address", cell: ({ clientAddress }) => clientAddress, only: "csv" },
    { header: "client port", cell: ({ clientPort }) => clientPort, only: "csv" },
    { header: "server address", cell: ({ serverAddress }) => serverAddress, only: "csv" },
    { header: "class", cell: ({ queryClass }) => queryClass, only: "csv" },
    { header: "truncated", cell: ({ truncated }) => truncated, only: "csv" },
    { header: "authoritative", cell: ({ authoritative }) => authoritative, only: "csv" },
    { header: "cluster", cell: ({ cluster }) => cluster, only: "csv" },
  ],
};

function endText(end: FlowEndpoint | null, address: Address): string {
  if (end === null || end.name === null) return address;
  return end.namespace === null ? end.name : `${end.namespace}/${end.name}`;
}

/** What the name leads to; what stands between only where that is nothing. */
function answersText({ answers, answerCount }: DnsRecord): string {
  const addresses = answers.filter(({ type }) => type === "A" || type === "AAAA");
  const told = (addresses.length > 0 ? addresses : answers).map(({ data }) => data).join(" ");
  return answerCount > answers.length ? `${told} ...`.trimStart() : told;
}

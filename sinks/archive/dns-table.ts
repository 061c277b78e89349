import type { DnsRecord } from "../../core/records/dns.ts";
import { addressGroup } from "./address-columns.ts";
import { endpointParts } from "./endpoint-columns.ts";
import { group, measures, type Table, texts } from "./table.ts";

export const dnsTable: Table<DnsRecord> = {
  measures: [
    ...measures<DnsRecord>("BIGINT", "epoch", "seq"),
    ...measures<DnsRecord>("TIMESTAMP", "start", "end"),
    ...measures<DnsRecord>("INTEGER", "protocol", "clientPort", "serverPort", "answerCount"),
    ...measures<DnsRecord>("BIGINT", "latency"),
    ...measures<DnsRecord>("BOOLEAN", "truncated", "authoritative"),
  ],
  groups: [
    addressGroup("client_address", (record) => record.clientAddress),
    addressGroup("server_address", (record) => record.serverAddress),
    texts<DnsRecord>("seen", "cluster", "node"),
    texts<DnsRecord>("question", "name", "queryType", "queryClass", "rcode"),
    group<DnsRecord, object>("answers", (record) => record.answers, {
      answers: ["VARCHAR", (answers) => JSON.stringify(answers)],
    }),
    group("client", (record) => record.client, endpointParts("client"), { shared: true }),
    group("server", (record) => record.server, endpointParts("server"), { shared: true }),
  ],
  order: ["name", "start", "node", "epoch", "seq"],
  id: ["node", "epoch", "seq"],
  time: "start",
  timeOf: (record) => record.start,
};

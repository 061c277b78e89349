import type { Address } from "../core/address.ts";
import type { DnsRecord, RawDns } from "../core/records/dns.ts";
import type { FlowEndpoint } from "../core/records/flow.ts";
import { isManaged } from "./authoritative.ts";

/** Tells who asked and who answered. */
export function enrichDns(raw: RawDns, endpointOf: (address: Address) => FlowEndpoint): DnsRecord {
  const client = endpointOf(raw.clientAddress);
  const server = endpointOf(raw.serverAddress);
  return { ...raw, authoritative: isAuthoritative(raw.node, client, server), client, server };
}

/** Both nodes see an exchange between them. The client's counts; of a client outside of the cluster the server's. */
function isAuthoritative(node: string, client: FlowEndpoint, server: FlowEndpoint): boolean {
  if (isManaged(client)) return client.node === node;
  return !isManaged(server) || server.node === node;
}

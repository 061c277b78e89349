import type { Address } from "../../core/address.ts";
import type { Counters, Entry } from "../../core/conntrack/entry.ts";
import type { Tuple } from "../../core/conntrack/tuple.ts";
import type { LabelRules, RuleId } from "../../core/rule-id.ts";

/** Builders of conntrack entries that name only what matters to a test. */

export function tuple(source: string, destination: string, over: Partial<Tuple> = {}): Tuple {
  const [sourceAddress, sourcePort] = end(source);
  const [destinationAddress, destinationPort] = end(destination);
  return {
    source: sourceAddress,
    destination: destinationAddress,
    protocol: 6,
    sourcePort,
    destinationPort,
    icmpType: -1,
    icmpCode: -1,
    icmpId: -1,
    zone: 0,
    ...over,
  };
}

/** An entry of connection 1 from 10.0.0.1:1000 to 10.0.0.2:80. */
export function entry(kind: Entry["kind"], over: Partial<Entry> = {}): Entry {
  const original = over.original ?? tuple("10.0.0.1 1000", "10.0.0.2 80");
  return {
    kind,
    id: 1,
    zone: 0,
    status: 0,
    original,
    reply: mirrored(original),
    rules: null,
    counters: null,
    startedAt: null,
    stoppedAt: null,
    happenedAt: null,
    tcpState: null,
    tcpFlags: null,
    sctpState: null,
    timeout: null,
    mark: 0,
    master: null,
    deletedBy: 0,
    ...over,
  };
}

export function counted(packets: number, bytes: number, replyPackets = 0, replyBytes = 0): { counters: Counters } {
  return { counters: { packets, bytes, replyPackets, replyBytes } };
}

export function labelled(egress: string | null, ingress: string | null = null): { rules: LabelRules } {
  return { rules: { egress: egress as RuleId | null, ingress: ingress as RuleId | null } };
}

function end(text: string): [Address, number] {
  const [address, port] = text.split(" ");
  return [address as Address, Number(port ?? 0)];
}

function mirrored(original: Tuple): Tuple {
  return {
    ...original,
    source: original.destination,
    destination: original.source,
    sourcePort: original.destinationPort,
    destinationPort: original.sourcePort,
  };
}

import type { FastMessage } from "../../../collectors/conntrack/fast-message.ts";
import type { Entry } from "../../../core/conntrack/entry.ts";

const kinds = ["none", "new", "dump", "destroy"] as const;
const orNull = (value: number) => (Number.isNaN(value) ? null : value);
/** As the machine reads two bytes of the network. */
const swapped = (port: number) => ((port & 0xff) << 8) | ((port >> 8) & 0xff);

/** What a message that was read fast says otherwise than its entry; undefined if nothing. */
export function fastFaultOf(fast: FastMessage, entry: Entry): string | undefined {
  const read: Readonly<Record<string, unknown>> = {
    kind: kinds[fast.kind],
    id: fast.id,
    protocol: fast.protocol,
    status: fast.status,
    mark: fast.mark,
    tcpState: fast.tcpState,
    hasTimeout: fast.hasTimeout,
    startedAt: orNull(fast.startedAt),
    stoppedAt: orNull(fast.stoppedAt),
    happenedAt: orNull(fast.happenedAt),
    ports: portsOf(fast.originalPorts, fast.replyPorts),
    counters: entry.counters === null ? null : `${fast.counters}`,
    // What is unusual is not read so.
    ...{ zone: 0, master: null, sctpState: null, deletedBy: 0 },
  };
  const { original, reply, counters, tcpState, timeout } = entry;
  const wanted: typeof read = {
    ...entry,
    protocol: original.protocol,
    tcpState: tcpState ?? 0,
    hasTimeout: entry.kind === "destroy" ? timeout !== null : fast.hasTimeout,
    ports: `${original.sourcePort} ${original.destinationPort} ${reply.sourcePort} ${reply.destinationPort}`,
    counters: counters && `${Object.values(counters)}`,
  };
  const different = Object.keys(read).filter((name) => read[name] !== wanted[name]);
  return different.length === 0
    ? undefined
    : different.map((name) => `${name} ${String(read[name])}, not ${String(wanted[name])}`).join("; ");
}

function portsOf(original: number, reply: number): string {
  return [original & 0xffff, original >>> 16, reply & 0xffff, reply >>> 16].map(swapped).join(" ");
}

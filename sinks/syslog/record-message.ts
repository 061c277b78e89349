import { decidersOf, protocolNames, tiersOf } from "../../core/filter/values.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { Flow, FlowEndpoint } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import { objectWriter } from "../live/jsonl.ts";
import { type Facility, type SyslogMessage, syslogText } from "./message.ts";

/** What can go to a syslog server. */
export interface SyslogRecords {
  readonly flow: Flow;
  readonly dns: DnsRecord;
  readonly loss: Loss;
  readonly change: ChangeRecord;
}

type Told = Pick<SyslogMessage, "severity" | "time" | "host" | "fields">;

const tellers: { readonly [K in keyof SyslogRecords]: (record: SyslogRecords[K]) => Told } = {
  flow: (flow) => ({
    severity: flow.action === "deny" ? "warning" : "info",
    time: flow.start,
    host: flow.node,
    fields: {
      id: `${flow.cluster}/${flow.node}/${flow.epoch}/${flow.seq}`,
      action: flow.action,
      reason: flow.reason,
      mode: flow.mode,
      authoritative: flow.authoritative,
      proto: protocolNames.get(flow.protocol) ?? flow.protocol,
      src: flow.sourceAddress,
      spt: flow.sourcePort,
      suser: nameOf(flow.source),
      dst: flow.destinationAddress,
      dpt: flow.destinationPort,
      duser: nameOf(flow.destination),
      tier: tiersOf(flow.enforced).join(",") || null,
      policy: decidersOf(flow.enforced).join(",") || null,
    },
  }),
  dns: (dns) => ({
    severity: "info",
    time: dns.start,
    host: dns.node,
    fields: { id: `${dns.cluster}/${dns.node}/${dns.epoch}/${dns.seq}`, name: dns.name },
  }),
  loss: (loss) => ({
    severity: "warning",
    time: loss.start,
    host: loss.node,
    fields: {
      id: `${loss.cluster}/${loss.node}/${loss.epoch}/${loss.seq}`,
      source: loss.source,
      count: loss.count,
    },
  }),
  change: (change) => ({
    severity: change.kind === "tamper" ? "alert" : change.control?.authorised === "no" ? "warning" : "notice",
    time: change.start,
    host: change.node ?? "",
    fields: {
      id: change.id,
      kind: change.kind,
      object: change.object,
      outcome: change.outcome,
      program: change.actor?.program ?? null,
      user: change.actor?.user ?? null,
      verb: change.control?.verb ?? null,
      authorised: change.control?.authorised ?? null,
      effect: change.control?.effectWords ?? null,
    },
  }),
};

/** So long may a message be that servers take as they are set up: rsyslog 8 KiB, syslog-ng 64 KiB. */
export const mostBytes = 8_192;

/**
 * Writes records of a kind as messages: what matters as structured data, the record as JSON behind it. Of one that is too long its labels
 * go, and if that is not enough the JSON: cut off it could not be read.
 */
export function messageWriter<K extends keyof SyslogRecords>(
  kind: K,
  facility: Facility,
): (record: SyslogRecords[K]) => string {
  const [tell, objectOf] = [tellers[kind], objectWriter(kind)];
  return (record) => {
    const told = { ...tell(record), facility, kind };
    for (const turn of [asItIs, withoutLabels]) {
      const message = syslogText({ ...told, text: asciiJson(objectOf(turn(record))) });
      if (Buffer.byteLength(message) <= mostBytes) return message;
    }
    return syslogText({ ...told, text: "" }).trimEnd();
  };
}

function nameOf(end: FlowEndpoint | null): string | null {
  if (end === null || end.name === null || end.name === "") return null;
  return end.namespace === null ? end.name : `${end.namespace}/${end.name}`;
}

const asItIs = (record: object): object => record;

function withoutLabels(record: object): object {
  const bare = Object.entries(record).map(([key, value]) =>
    key === "source" || key === "destination" ? [key, value && { ...value, labels: {} }] : [key, value],
  );
  return Object.fromEntries(bare);
}

/** JSON of ASCII alone, which is the same JSON. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

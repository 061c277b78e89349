import type { Heartbeat } from "../../../core/records/heartbeat.ts";
import { kindFields, numberedFields } from "./common-fields.ts";
import { type DocumentField, stored } from "./field.ts";
import { number, time } from "./forms.ts";

const moment = ["date_nanos", "unbounded"] as const;

/** Counts since the epoch began. */
const counts: readonly (readonly [keyof Heartbeat, string])[] = [
  ["flows", "Flow records."],
  ["losses", "Loss records."],
  ["conntrackEvents", "Events of connections that the kernel told."],
  ["loggedPackets", "Packets that the kernel logged."],
  ["decodeFailures", "Messages that could not be read."],
  ["overruns", "How often a kernel socket overran."],
  ["dropped", "Records that our own bounds dropped."],
  ["connections", "Entries in the kernel's table now."],
  ["connectionsMax", "nf_conntrack_max."],
  ["eventDrops", "Events that found the socket full."],
  ["logDrops", "Logged packets that found the socket full."],
  ["tableDrops", "Packets dropped because the connection table was full."],
  ["earlyDrops", "Connections thrown out of a full table."],
  ["insertFailures", "Packets whose connection another packet had just made."],
  ["searchRestarts", "Look-ups in the table that began anew."],
  ["clashes", "Packets put to a connection that another had just made."],
];

export const heartbeatFields: readonly DocumentField<Heartbeat>[] = [
  ...kindFields<Heartbeat>("heartbeat", "metric", null),
  ...numberedFields<Heartbeat>(),
  stored("@timestamp", moment, "start", time, "Begin of the ten seconds it speaks for."),
  stored("event.end", moment, "end", time, "Their end."),
  ...counts.map(([part, description]) =>
    stored<Heartbeat>(`sluice.heartbeat.${snake(part)}`, ["long", "unbounded"], part, number, description),
  ),
];

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

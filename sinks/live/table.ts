import { columns, indent, type Layout } from "./layout.ts";
import type { Paint, Style } from "./paint.ts";
import type { Row } from "./row.ts";
import { bytesText, countText, cutEnd, cutMiddle, padEnd, padStart } from "./text.ts";
import type { Why } from "./why.ts";

// A row is one line and, with details, who the two are below it; on a narrow terminal the reason has a line of its own:
//   TIME UTC VERDICT      SOURCE         → DESTINATION                 POLICY                            PKTS   BYTES NODE
//   22:13:20 ✗ DENY ×12   dev-shop/web-1 → prod-shop/api-0:80/tcp      security / dev-not-prod / rule 0    12   720 B node-1
//                         deploy/web app=web → sts/api app=api · passed by platform

export function headerLine(layout: Layout, paint: Paint): string {
  const ends = `${padEnd("SOURCE", layout.source)} → ${padEnd("DESTINATION", layout.destination)}`;
  const left = `${padEnd("TIME UTC", columns.time)} ${padEnd("VERDICT", columns.verdict)} ${ends}`;
  if (layout.why === 0) return paint("bold", left.trimEnd());
  const traffic = `${padStart("PKTS", columns.packets)} ${padStart("BYTES", columns.bytes)}`;
  return paint("bold", `${left} ${padEnd("POLICY", layout.why)} ${traffic}${layout.node === 0 ? "" : " NODE"}`);
}

/** The lines of a row. With `details`, who the two are and whatever had no room above. */
export function rowLines(row: Row, layout: Layout, paint: Paint, details: boolean): readonly string[] {
  const destination = destinationCell(row, room(layout, layout.destination));
  const left = endsCells(row, destination.text, layout, paint);
  const reason =
    layout.why === 0 ? narrowReason(row, layout) : wideReason(row.why, layout.why, room(layout, layout.why));
  const head =
    layout.why === 0
      ? [left.trimEnd(), " ".repeat(indent) + paint(styles[row.action], reason.text)]
      : [`${left} ${padEnd(reason.text, layout.why)} ${trafficCells(row, layout)}`];
  if (!details) return head;
  const passed = row.why.passed.length === 0 ? "" : `passed by ${row.why.passed.join(", ")}`;
  const notes = [destination.left, reason.left, passed].filter((note) => note !== "");
  const lines = detailLines(row, notes, layout.width - indent);
  return [...head, ...lines.map((line) => paint("dim", " ".repeat(indent) + line))];
}

const styles: Readonly<Record<Row["action"], Style>> = { allow: "allow", deny: "deny", unknown: "warn" };
const words: Readonly<Record<Row["action"], string>> = { allow: "✓ ALLOW", deny: "✗ DENY", unknown: "? UNKNOWN" };

/** What a cell may hold. */
const room = ({ cuts }: Layout, width: number) => (cuts ? width : Number.POSITIVE_INFINITY);

function endsCells(row: Row, destination: string, layout: Layout, paint: Paint): string {
  const times = row.count === 1 ? "" : ` ×${countText(row.count)}`;
  const verdict = padEnd(cutEnd(words[row.action] + times, columns.verdict), columns.verdict);
  const source = padEnd(cutMiddle(row.source, room(layout, layout.source)), layout.source);
  return `${row.time} ${paint(styles[row.action], verdict)} ${source} → ${padEnd(destination, layout.destination)}`;
}

function trafficCells({ packets, bytes, node }: Row, layout: Layout): string {
  const traffic = `${padStart(countText(packets), columns.packets)} ${padStart(bytesText(bytes), columns.bytes)}`;
  return layout.node === 0 ? traffic : `${traffic} ${cutMiddle(node, room(layout, layout.node))}`;
}

/** A text for a cell, and what has to be told elsewhere. */
interface Fitted {
  readonly text: string;
  readonly left: string;
}

/** The port is never cut; the Service moves out before the name is. */
function destinationCell({ destination, port, service }: Row, width: number): Fitted {
  const via = service === "" ? "" : ` via ${service}`;
  if (destination.length + port.length + via.length <= width) return { text: destination + port + via, left: "" };
  const name = cutMiddle(destination, Math.max(0, width - port.length));
  return { text: cutMiddle(name + port, width), left: via.trimStart() };
}

/** The full reason where it fits its column, else the short one, which may fill the room. */
function wideReason(why: Why, column: number, room = column): Fitted {
  const full = fullReason(why);
  if (full.length <= column) return { text: full, left: "" };
  if (why.short.length <= room) return { text: why.short, left: why.more };
  return { text: cutEnd(why.short, room), left: full };
}

function narrowReason({ why, packets, bytes }: Row, { width }: Layout): Fitted {
  const traffic = `${countText(packets)} ${packets === 1 ? "pkt" : "pkts"} ${bytesText(bytes)}`;
  const room = width - indent - traffic.length - 2;
  const { text, left } = wideReason(why, room);
  return { text: `${padEnd(text, room)}  ${traffic}`, left };
}

function fullReason({ short, more }: Why): string {
  return more === "" ? short : `${short} (${more})`;
}

/** Who they are and what else is to say: on one line if it fits, else on a line each. */
function detailLines(row: Row, notes: readonly string[], room: number): readonly string[] {
  const known = row.sourceIdentity !== "" || row.destinationIdentity !== "";
  const who = known ? `${row.sourceIdentity || "-"} → ${row.destinationIdentity || "-"}` : "";
  const also = notes.join(" · ");
  const together = [who, also].filter((part) => part !== "").join(" · ");
  if (together.length <= room) return together === "" ? [] : [together];
  return [identities(row, room), cutEnd(also, room)].filter((line) => line !== "");
}

/** Both identities, sharing the room fairly when it is short. */
function identities({ sourceIdentity, destinationIdentity }: Row, room: number): string {
  const [source, destination] = [sourceIdentity || "-", destinationIdentity || "-"];
  const free = room - 3;
  const left = Math.min(source.length, Math.max(Math.floor(free / 2), free - destination.length));
  return `${cutEnd(source, left)} → ${cutEnd(destination, free - left)}`;
}

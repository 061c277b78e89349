import type { Paint, Style } from "./paint.ts";
import type { Row } from "./row.ts";
import { bytesText, countText, cutEnd, cutMiddle, padEnd, padStart } from "./text.ts";
import type { Why } from "./why.ts";

// From `wide` columns on, a row is one line; on a narrower terminal the reason stands on a line of its own, indented:
//   TIME UTC VERDICT      SOURCE → DESTINATION   POLICY   PKTS  BYTES  NODE
//   22:13:20 ✓ ALLOW ×12  a → b:80/tcp           ...
//                         who they are: workload and labels → workload and labels

const narrowest = 80;
const wide = 110;
const withNode = 150;
const timeWidth = 8;
const verdictWidth = 12;
const indent = timeWidth + 1 + verdictWidth + 1;
const packetsWidth = 5;
const bytesWidth = 7;

export interface Layout {
  /** Of the whole line. */
  readonly width: number;
  readonly source: number;
  readonly destination: number;
  /** 0: the reason has its own line. */
  readonly why: number;
  /** 0: not shown. */
  readonly node: number;
}

/** Widths of columns for a terminal; narrower ones than 80 are treated as 80. */
export function layoutFor(terminal: number): Layout {
  const width = Math.max(narrowest, Math.min(terminal, 240));
  const ends = width - indent - 3;
  if (width < wide) {
    const source = Math.floor(ends * 0.42);
    return { width, source, destination: ends - source, why: 0, node: 0 };
  }
  const node = width < withNode ? 0 : 12;
  const rest = ends - packetsWidth - bytesWidth - 3 - (node === 0 ? 0 : node + 1);
  const source = Math.floor(rest * 0.28);
  const destination = Math.floor(rest * 0.37);
  return { width, source, destination, why: rest - source - destination, node };
}

export function headerLines(layout: Layout, paint: Paint): readonly string[] {
  const ends = `${padEnd("SOURCE", layout.source)} → ${padEnd("DESTINATION", layout.destination)}`;
  const left = `${padEnd("TIME UTC", timeWidth)} ${padEnd("VERDICT", verdictWidth)} ${ends}`;
  const right = ` ${padEnd("POLICY", layout.why)} ${padStart("PKTS", packetsWidth)} ${padStart("BYTES", bytesWidth)}`;
  const node = layout.node === 0 ? "" : " NODE";
  return [paint("bold", (layout.why === 0 ? left : left + right + node).trimEnd())];
}

/** The line of a row, the reason on a narrow terminal, and, with `details`, who the two are. */
export function rowLines(row: Row, layout: Layout, paint: Paint, details: boolean): readonly string[] {
  const { fits, text } = reasonOf(row.why, layout);
  const first = layout.why === 0 ? endsCells(row, layout, paint) : lineCells(row, layout, paint, text);
  const reason = layout.why === 0 ? [" ".repeat(indent) + narrowReason(row, layout, paint)] : [];
  const identity = details ? identityLine(row, layout, fits) : "";
  return [first.trimEnd(), ...reason, ...(identity === "" ? [] : [paint("dim", " ".repeat(indent) + identity)])];
}

/** Something that is no connection: a loss, a change of policy. Long ones wrap under their beginning. */
export function noticeLines(time: string, sign: string, text: string, layout: Layout): readonly string[] {
  const lead = `${time} ${sign} `;
  const room = layout.width - [...lead].length;
  return wrap(text, room).map((line, i) => (i === 0 ? lead + line : " ".repeat([...lead].length) + line));
}

const styles: Readonly<Record<Row["action"], Style>> = { allow: "allow", deny: "deny", unknown: "warn" };
const words: Readonly<Record<Row["action"], string>> = { allow: "✓ ALLOW", deny: "✗ DENY", unknown: "? UNKNOWN" };

function endsCells(row: Row, layout: Layout, paint: Paint): string {
  const times = row.count === 1 ? "" : ` ×${countText(row.count)}`;
  const verdict = padEnd(cutEnd(words[row.action] + times, verdictWidth), verdictWidth);
  const source = padEnd(cutMiddle(row.source, layout.source), layout.source);
  const destination = padEnd(cutMiddle(row.destination, layout.destination), layout.destination);
  return `${row.time} ${paint(styles[row.action], verdict)} ${source} → ${destination}`;
}

function lineCells(row: Row, layout: Layout, paint: Paint, why: string): string {
  const node = layout.node === 0 ? "" : ` ${cutMiddle(row.node, layout.node)}`;
  const traffic = `${padStart(countText(row.packets), packetsWidth)} ${padStart(bytesText(row.bytes), bytesWidth)}`;
  return `${endsCells(row, layout, paint)} ${padEnd(why, layout.why)} ${traffic}${node}`;
}

function narrowReason(row: Row, layout: Layout, paint: Paint): string {
  const traffic = `${countText(row.packets)} pkts ${bytesText(row.bytes)}`;
  const room = layout.width - indent - traffic.length - 2;
  return `${paint(styles[row.action], padEnd(cutEnd(fullReason(row.why), room), room))}  ${traffic}`;
}

function fullReason({ short, more }: Why): string {
  return more === "" ? short : `${short} (${more})`;
}

/** The whole reason if there is room, else its beginning; `fits` says which. */
function reasonOf(why: Why, { why: room }: Layout): { readonly fits: boolean; readonly text: string } {
  const full = fullReason(why);
  if (room === 0 || [...full].length <= room) return { fits: true, text: full };
  return { fits: false, text: cutEnd(why.short, room) };
}

/** Who they are, what of the reason had no room, and the tiers before. */
function identityLine(row: Row, layout: Layout, reasonFits: boolean): string {
  const { why } = row;
  const cut = layout.why > 0 && [...why.short].length > layout.why;
  const notes = [
    ...(reasonFits ? [] : [cut ? fullReason(why) : why.more]),
    ...(why.passed.length === 0 ? [] : [`passed by ${why.passed.join(", ")}`]),
  ].filter((note) => note !== "");
  const tail = notes.length === 0 ? "" : `${hasIdentity(row) ? " · " : ""}${notes.join(" · ")}`;
  const room = layout.width - indent;
  const ends = hasIdentity(row) ? identities(row, Math.max(0, room - [...tail].length)) : "";
  return cutEnd(ends + tail, room);
}

const hasIdentity = (row: Row) => row.sourceIdentity !== "" || row.destinationIdentity !== "";

/** Both identities, sharing the room fairly when it is short. */
function identities({ sourceIdentity, destinationIdentity }: Row, room: number): string {
  const [source, destination] = [sourceIdentity || "-", destinationIdentity || "-"];
  const free = Math.max(0, room - 3);
  const half = Math.floor(free / 2);
  const left = Math.min(source.length, Math.max(half, free - destination.length));
  return `${cutEnd(source, left)} → ${cutEnd(destination, free - left)}`;
}

function wrap(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if ([...longer].length > room && line !== "") {
      lines.push(line);
      line = cutMiddle(word, room);
    } else line = cutMiddle(longer, room);
  }
  return [...lines, line];
}

// snapshot => header known* record* end, a line each, JSON
//
// header => {"format":"sluice controls 1","cluster"}     known => {"key","subject","uid","resourceVersion","text"}
// record => {"record"}, told or about to be     end => {"lines"}, how many there are above it
import { z } from "zod";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Known } from "../watched/ledger.ts";

/** What the change log knew, and what it had to tell, when it was written. */
export interface Snapshot {
  readonly cluster: string;
  readonly known: ReadonlyMap<string, Known>;
  readonly records: readonly ChangeRecord[];
}

/** What was read: when it was last surely so, in milliseconds. */
export interface Found extends Snapshot {
  readonly until: number;
}

const format = "sluice controls 1";
const text = z.string();
const header = z.strictObject({ format: z.literal(format), cluster: text });
const knownLine = z.strictObject({
  key: text,
  subject: text,
  uid: text.nullable(),
  resourceVersion: text.nullable(),
  text: text,
});
const recordLine = z.strictObject({ record: z.looseObject({ id: text, kind: z.literal("control") }) });
const end = z.strictObject({ lines: z.int() });

/** Objects are the very same as long as nothing is new about them: their lines are made once. */
const lines = new WeakMap<Known, string>();

export function snapshotText({ cluster, known, records }: Snapshot): string {
  const all = [
    JSON.stringify({ format, cluster }),
    ...[...known].map(([key, one]) => lineOf(key, one)),
    ...records.map((record) => JSON.stringify({ record })),
  ];
  return `${all.join("\n")}\n${JSON.stringify({ lines: all.length })}\n`;
}

function lineOf(key: string, known: Known): string {
  const line = lines.get(known) ?? JSON.stringify({ key, ...known });
  lines.set(known, line);
  return line;
}

/** Throws SNAPSHOT_INVALID for what is none, or not whole. */
export function parseSnapshot(written: string): Snapshot {
  try {
    const all = written.split("\n").filter((line) => line !== "");
    const [first, ...rest] = all.map((line) => JSON.parse(line) as unknown);
    const { cluster } = header.parse(first);
    if (end.parse(rest.pop()).lines !== all.length - 1) throw new Error("some of its lines are missing");
    const known = new Map<string, Known>();
    const records: ChangeRecord[] = [];
    for (const line of rest) {
      const record = recordLine.safeParse(line);
      if (record.success) records.push(record.data.record as unknown as ChangeRecord);
      else {
        const { key, ...one } = knownLine.parse(line);
        known.set(key, one as Known);
      }
    }
    return { cluster, known, records };
  } catch (cause) {
    const message = `what the change log knew when it ended is not readable: ${messageOf(cause)}`;
    throw new SluiceError("SNAPSHOT_INVALID", message, { cause });
  }
}

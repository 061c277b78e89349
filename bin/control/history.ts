import { appendFile } from "node:fs/promises";
import { isoTime } from "../../core/clock.ts";
import type { ControlFolder } from "./folder.ts";

/** Something that an operator did, or that happened because of it: for whoever asks later. */
export interface HistoryEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly what: "break-glass" | "break-glass over" | "confirmed" | "accepted" | "held" | "withdrawn";
  /** Who asked; null: it happened by itself. */
  readonly by: string | null;
  readonly node: string | null;
  readonly revision: string | null;
  /** The reason that was given, or the sentence that was told. */
  readonly text: string;
}

/** Adds a line to `control/history`; the only place where such things are recorded. */
export async function recordHistory(folder: ControlFolder, { at, ...entry }: HistoryEntry): Promise<void> {
  const line = JSON.stringify({ time: isoTime(at), ...entry });
  await appendFile(`${folder.path}/history`, `${line}\n`, { mode: 0o600, flush: true });
}

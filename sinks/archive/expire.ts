import { stat } from "node:fs/promises";
import type { RecordKind } from "../../core/records/codec.ts";
import type { Catalog } from "./catalog.ts";
import type { Disk } from "./disk.ts";
import { isSegment } from "./layout.ts";

/** What grows with traffic. What a policy meant, who had an address, what was lost and changed stays. */
const expiring = ["flow", "dns", "heartbeat"] as const satisfies readonly RecordKind[];

export interface Expired {
  readonly kind: RecordKind;
  /** Since the epoch; all of it is gone. */
  readonly hour: number;
  readonly files: number;
  readonly bytes: number;
}

export interface ExpireOptions {
  readonly catalog: Catalog;
  readonly disk: Pick<Disk, "list" | "remove">;
  readonly retentionMs: number;
  /** Milliseconds. */
  readonly now: number;
  /** Called before an hour is deleted, so that none is gone without a word. */
  readonly onExpire: (expired: Expired) => Promise<void>;
}

const hourMs = 3_600_000;

/**
 * Deletes whole hours, the oldest first. It may run beside the process that writes: that one seals an hour soon after its end, and one with
 * files that are not sealed is left alone.
 */
export async function expireHours(options: ExpireOptions, signal: AbortSignal): Promise<void> {
  const { catalog, retentionMs, now } = options;
  const last = Math.floor((now - retentionMs) / hourMs) - 1;
  for (const kind of expiring)
    for (const hour of await catalog.hours(kind, Number.NEGATIVE_INFINITY, last)) {
      if (signal.aborted) return;
      await expireHour(options, kind, hour);
    }
}

async function expireHour({ catalog, disk, onExpire }: ExpireOptions, kind: RecordKind, hour: number): Promise<void> {
  const folder = catalog.folderOf(kind, hour);
  const names = await disk.list(folder);
  if (names.length === 0 || !names.every(isSegment)) return;
  const sizes = await Promise.all(names.map(async (name) => (await stat(`${folder}/${name}`)).size));
  await onExpire({ kind, hour, files: names.length, bytes: sizes.reduce((sum, size) => sum + size, 0) });
  for (const name of names) await disk.remove(`${folder}/${name}`);
}

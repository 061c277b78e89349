import { createHash } from "node:crypto";
import { type Clock, isoTime } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import type { Log } from "../../core/log.ts";
import type { Sink } from "../../core/pipeline.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { Catalog } from "../../sinks/archive/catalog.ts";
import { Database } from "../../sinks/archive/database.ts";
import { realDisk } from "../../sinks/archive/disk.ts";
import { type Expired, expireHours } from "../../sinks/archive/expire.ts";

export interface ExpireArchiveOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly changes: Sink<ChangeRecord>;
}

/** Deletes what the archive of the data folder keeps for longer than it should; each hour is recorded before it goes. */
export async function expireArchive(
  { config, clock, log, changes }: ExpireArchiveOptions,
  signal: AbortSignal,
): Promise<string> {
  const { folder } = config.data;
  const { retentionMs, memoryMb } = config.archive;
  const database = new Database({ memoryMb, spill: `${folder}/archive-spill-work`, threads: 1 });
  let hours = 0;
  try {
    const catalog = new Catalog(folder, realDisk, database);
    const onExpire = async (expired: Expired) => {
      await changes.write([recordOf(expired, config.cluster.name, clock.now() * 1000)], signal);
      hours += 1;
      log.info({ ...expired }, "hour of the archive deleted: its time is over");
    };
    await expireHours({ catalog, disk: realDisk, retentionMs, now: clock.now(), onExpire }, signal);
  } finally {
    await database.close();
  }
  return `${hours} hours deleted`;
}

/** One that is told again, since deleting failed after it, is the same. */
function recordOf({ kind, hour, files, bytes }: Expired, cluster: string, now: number): ChangeRecord {
  const begin = isoTime(hour * 3_600_000);
  const object = `archive ${kind} ${begin}`;
  return {
    id: createHash("sha256").update(`retention ${cluster} ${object}`).digest("hex").slice(0, 32),
    ...{ cluster, node: null, kind: "retention", start: now, foundAt: now, end: now, actor: null, object },
    summary: `deleted ${files} ${files === 1 ? "file" : "files"} of ${bytes} bytes: archive.retention-ms is over`,
    ...{ diff: [], outcome: "unknown", outcomeDetail: "", request: null, control: null },
  };
}

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../../core/log.ts";
import type { Flow } from "../../../core/records/flow.ts";
import type { Loss } from "../../../core/records/loss.ts";
import { Archive, type ArchiveOptions } from "../../../sinks/archive/archive.ts";
import { ArchiveStore } from "../../../sinks/archive/archive-store.ts";
import type { Database } from "../../../sinks/archive/database.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** Runs `work` with a new data folder, and removes it. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-archive-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** An archive whose time stands still: it flushes and merges when told to. */
export function archiveIn(folder: string, options: Partial<ArchiveOptions> = {}): Archive {
  const clock = new FakeClock();
  return new Archive({ folder, clock, log: silentLog, flushMs: 5_000, memoryMb: 256, ...options });
}

/** Writes and waits until it is durable. */
export async function store(archive: Archive, flows: readonly Flow[]): Promise<void> {
  const written = archive.sink("flow").write(flows, never);
  await Promise.all([written, archive.flush()]);
}

export const never: AbortSignal = new AbortController().signal;

export const everything = {
  since: -(2 ** 52),
  until: 2 ** 53 - 1,
  filter: null,
  allReports: true,
  order: "oldest",
  limit: 100_000,
} as const;

/** All flows that another process would read. */
export async function flowsIn(folder: string): Promise<readonly Flow[]> {
  const reader = new ArchiveStore({ folder, memoryMb: 256 });
  try {
    return (await reader.search(everything, never)).items;
  } finally {
    await reader.close();
  }
}

/** Paths of the archive's files, sorted. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  const found = await readdir(join(folder, "archive"), { recursive: true }).catch(() => []);
  return found.filter((name) => name.includes(".parquet")).sort();
}

/** All loss records that another process would read. */
export async function lossesIn(folder: string, database: Database): Promise<readonly Loss[]> {
  const reader = new ArchiveStore({ folder, memoryMb: 256, database });
  return await reader.losses(everything);
}

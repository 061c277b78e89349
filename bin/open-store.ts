import { access } from "node:fs/promises";
import type { Config } from "../core/config.ts";
import { checkFormat } from "../core/data-folder.ts";
import { SluiceError } from "../core/errors.ts";
import { ArchiveStore } from "../sinks/archive/archive-store.ts";
import { archiveFolder } from "../sinks/archive/layout.ts";
import type { Store } from "./store.ts";

/** Opens the archive of a data folder for reading, also while another process writes to it. */
export async function openStore({ data, archive }: Config): Promise<Store> {
  await checkFormat(data.folder);
  await access(archiveFolder(data.folder)).catch((thrown: unknown) => {
    const message = `data folder ${data.folder} holds no archive yet; give --data-folder, or begin with "sluice up"`;
    throw new SluiceError("STORE_FAILED", message, { cause: thrown });
  });
  const store = new ArchiveStore({ folder: data.folder, memoryMb: archive.memoryMb });
  return {
    search: (query, signal) => store.search(query, signal),
    pairs: (query, signal) => store.pairs(query, signal),
    top: (query, signal) => store.top(query, signal),
    heartbeats: (span) => store.heartbeats(span),
    losses: (span) => store.losses(span),
    dns: (query, signal) => store.dns(query, signal),
    changes: (span) => store.changes(span),
    endpoints: (span) => store.endpoints(span),
    sequences: (span) => store.sequences(span),
    close: () => store.close(),
  };
}

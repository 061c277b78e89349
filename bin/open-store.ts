import { access } from "node:fs/promises";
import type { Config } from "../core/config.ts";
import { checkFormat } from "../core/data-folder.ts";
import { SluiceError } from "../core/errors.ts";
import { ArchiveStore } from "../sinks/archive/archive-store.ts";
import { archiveFolder } from "../sinks/archive/layout.ts";
import { openElasticStore } from "./elastic/elastic-store.ts";
import type { Store } from "./store.ts";

/** Opens where records are looked up, by read.from. */
export function openStore(config: Config): Promise<Store> {
  return config.read.from === "elasticsearch" ? openElasticStore(config) : openArchive(config);
}

/** How long what was stored may take until who reads sees it, beside what its way there takes. */
export function visibleAfterMs({ read, archive, elasticsearch }: Config): number {
  return read.from === "elasticsearch" ? elasticsearch.batchMs + elasticsearch.refreshMs : archive.flushMs;
}

/** The archive of a data folder, also while another process writes to it. */
async function openArchive({ data, archive }: Config): Promise<Store> {
  await checkFormat(data.folder);
  await access(archiveFolder(data.folder)).catch((thrown: unknown) => {
    const message = `data folder ${data.folder} holds no archive yet; give --data-folder or --store elasticsearch, or begin with "sluice up"`;
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

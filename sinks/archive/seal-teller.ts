import { appendFile, mkdir, readFile } from "node:fs/promises";
import { relative } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { Condition } from "../../core/condition.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Sink } from "../../core/pipeline.ts";
import type { Seal } from "../../core/records/seal.ts";
import type { Archive } from "./archive.ts";
import { archiveFolder, sealedHash } from "./layout.ts";
import { contentsOf } from "./seal-record.ts";
import { kinds } from "./tables.ts";

// <data>/seals/told   SHA-256 of segments that were told, one a line

export interface SealTellerOptions {
  /** The data folder. */
  readonly folder: string;
  readonly cluster: string;
  readonly archive: Pick<Archive, "catalog" | "database">;
  readonly seals: Sink<Seal>;
  readonly clock: Clock;
  readonly log: Log;
}

type Untold = Pick<Seal, "sha256"> & { readonly kind: (typeof kinds)[number]; readonly path: string };

const pauseMs = 5_000;

/**
 * Tells of each segment of an archive, at least once: what was not noted as told is told by the next run, so neither a crash nor a bus that is
 * away loses a seal.
 */
export class SealTeller {
  readonly #options: SealTellerOptions;
  readonly #news = new Condition();
  readonly #untold: Untold[] = [];

  constructor(options: SealTellerOptions) {
    this.#options = options;
  }

  /** A segment was made. */
  add(untold: Untold): void {
    this.#untold.push(untold);
    this.#news.changed();
  }

  /** Tells what earlier runs did not, and then what is added, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let isFound = false;
    while (!signal.aborted) {
      try {
        if (!isFound) await this.#find();
        isFound = true;
        await this.#tellAll(signal);
        if (this.#untold.length === 0) await this.#news.wait(signal);
      } catch (thrown) {
        if (signal.aborted) return;
        log.warn({ error: messageOf(thrown), seals: this.#untold.length }, "seals cannot be told; they are kept");
        await clock.sleep(pauseMs, signal);
      }
    }
  }

  async #find(): Promise<void> {
    const { catalog } = this.#options.archive;
    const told = new Set((await readFile(this.#journal, "utf8").catch(() => "")).split("\n"));
    for (const kind of kinds)
      for (const hour of await catalog.hours(kind))
        for (const name of (await catalog.names(kind, hour)).counting) {
          const sha256 = sealedHash(name);
          if (sha256 === undefined || told.has(sha256)) continue;
          if (this.#untold.some((other) => other.sha256 === sha256)) continue;
          this.#untold.push({ kind, sha256, path: `${catalog.folderOf(kind, hour)}/${name}` });
        }
  }

  async #tellAll(signal: AbortSignal): Promise<void> {
    for (let next = this.#untold[0]; next !== undefined && !signal.aborted; next = this.#untold[0]) {
      await this.#options.seals.write([await this.#sealOf(next)], signal);
      await mkdir(`${this.#options.folder}/seals`, { recursive: true });
      await appendFile(this.#journal, `${next.sha256}\n`, { flush: true });
      this.#untold.shift();
    }
  }

  async #sealOf({ kind, sha256, path }: Untold): Promise<Seal> {
    const { archive, cluster, clock, folder } = this.#options;
    const file = relative(archiveFolder(folder), path);
    const contents = await contentsOf(archive.database, kind, path);
    return { cluster, kind, file, sha256, ...contents, sealedAt: clock.now() * 1000 };
  }

  get #journal(): string {
    return `${this.#options.folder}/seals/told`;
  }
}

import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { readPrivateFile, writePrivateFile } from "../../core/private-file.ts";
import type { Past } from "./past.ts";

export interface PastFileOptions {
  readonly path: string;
  readonly past: Past;
  readonly clock: Clock;
  readonly log: Log;
}

const everyMs = 1_000;
/** 20,000 objects with 32 changes each, at their longest; usually a few kilobytes. */
const maxBytes = 536_870_912;

const change = z.strictObject({
  id: z.string(),
  at: z.number(),
  user: z.string().nullable(),
  groups: z.array(z.string()),
  set: z.record(z.string(), z.string()),
  touchesContent: z.boolean(),
  lacksOnlyApproval: z.boolean(),
});
const file = z.array(z.tuple([z.string(), z.array(change)]));

/** Who approved what, on disk: an approval outlives a restart. */
export class PastFile {
  readonly #options: PastFileOptions;
  #written: number;

  constructor(options: PastFileOptions) {
    this.#options = options;
    this.#written = options.past.revision;
  }

  /** A file that is not to be used is told of: then nothing was approved. */
  async load(): Promise<void> {
    const { path, past, log } = this.#options;
    try {
      const text = await readPrivateFile(path, { code: "STORE_FAILED", maxBytes });
      if (text !== undefined) past.restore(file.parse(JSON.parse(text)));
    } catch (thrown) {
      log.error({ path, error: messageOf(thrown) }, "what was approved before is not known");
    }
  }

  /** Writes what is new until the signal aborts. What changes are judged at the end, `write` takes along. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(everyMs, signal);
      if (!signal.aborted) await this.write();
    }
  }

  /** On disk when it resolves, if anything is new; what cannot be written is told of. */
  async write(): Promise<void> {
    const { path, past, log } = this.#options;
    const { revision } = past;
    if (revision === this.#written) return;
    try {
      await writePrivateFile(path, JSON.stringify([...past.entries()]));
      this.#written = revision;
    } catch (thrown) {
      log.error({ error: messageOf(thrown) }, "what was approved is not kept");
    }
  }
}

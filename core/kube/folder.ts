import type { Clock } from "../clock.ts";
import { Condition } from "../condition.ts";
import type { Validate } from "./examine.ts";
import { type FaultListener, tellFaults } from "./fault-listener.ts";
import { FolderScanner } from "./folder-scan.ts";
import { advance, emptyFolder } from "./folder-state.ts";
import { FolderWatches } from "./folder-watches.ts";
import { refuseIfBlind } from "./read-folder.ts";
import type { Change, ObjectSource } from "./watch.ts";

export interface FolderOptions extends FaultListener {
  readonly path: string;
  readonly clock: Clock;
  /** Refuses objects beyond their common shape; one that is refused keeps its last good state. */
  readonly validate?: Validate;
  /** How long the folder must be quiet after a change: programs write a file in several steps. */
  readonly debounceMs?: number;
  /** How often to look without a notice from the kernel. */
  readonly rescanMs?: number;
}

/** A folder in which somebody writes for ever is read this often nonetheless. */
const maxQuietMs = 1_000;
/** Nothing tells when a folder that could not be read can be: look often. */
const blindRescanMs = 1_000;

/**
 * The Kubernetes objects of every `.yaml`, `.yml` and `.json` below a folder, whatever its layout; hidden files are left
 * out. An object that is not accepted is reported, and its last good state stays; so does everything when the folder
 * itself goes. `watch` throws MANIFEST_INVALID if the folder cannot be read at the start.
 */
export function folderSource(options: FolderOptions): ObjectSource {
  return { name: `folder ${options.path}`, watch: (signal) => follow(options, signal) };
}

async function* follow(options: FolderOptions, signal: AbortSignal): AsyncGenerator<readonly Change[]> {
  const { rescanMs = 30_000 } = options;
  const notices = new Notices(options);
  const watches = new FolderWatches({ onChange: () => notices.note(), log: options.log });
  const scanner = new FolderScanner({ ...options, onFolder: (path, id) => watches.ensure(path, id) });
  try {
    let state = emptyFolder;
    for (let first = true; !signal.aborted; first = false) {
      const scan = await scanner.scan();
      watches.sweep();
      if (first) refuseIfBlind(options.path, scan.blind.get(""));
      const next = advance(state, scan, options.validate);
      state = next.state;
      tellFaults(options, next.faults, next.mended);
      if (first) yield [...next.changes, { type: "synced" }];
      else if (next.changes.length > 0) yield next.changes;
      await notices.wait(signal, scan.blind.size > 0 ? blindRescanMs : rescanMs);
    }
  } finally {
    watches.close();
  }
}

/** When to look again. */
class Notices {
  readonly #clock: Clock;
  readonly #debounceMs: number;
  readonly #noted = new Condition();
  #pending = false;

  constructor({ clock, debounceMs = 100 }: FolderOptions) {
    this.#clock = clock;
    this.#debounceMs = debounceMs;
  }

  note(): void {
    this.#pending = true;
    this.#noted.changed();
  }

  /** Resolves when it is quiet after a notice, also one from before the call, or after `ms` without any. */
  async wait(signal: AbortSignal, ms: number): Promise<void> {
    if (!this.#pending) await this.#noted.waitFor(ms, this.#clock, signal);
    const since = this.#clock.monotonic();
    do {
      this.#pending = false;
      await this.#clock.sleep(this.#debounceMs, signal);
    } while (this.#pending && !signal.aborted && this.#clock.monotonic() - since < maxQuietMs);
    this.#pending = false;
  }
}

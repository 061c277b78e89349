import { type FSWatcher, watch } from "node:fs";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";

export interface WatchesOptions {
  readonly onChange: () => void;
  readonly log: Log;
}

/**
 * The kernel's notices (inotify) of a set of folders. They are a hint to look, nothing more: network file systems send
 * none, and the number of watches is limited (fs.inotify.max_user_watches).
 */
export class FolderWatches {
  readonly #options: WatchesOptions;
  readonly #watches = new Map<string, { readonly id: string; readonly watcher: FSWatcher }>();
  #seen = new Set<string>();
  #warned = false;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /** Watches a folder from now on. Another id on the same path is another folder, e.g. after it was made anew. */
  ensure(path: string, id: string): void {
    this.#seen.add(path);
    const present = this.#watches.get(path);
    if (present?.id === id) return;
    present?.watcher.close();
    this.#watches.delete(path);
    try {
      const watcher = watch(path, this.#options.onChange);
      watcher.on("error", (thrown) => this.#warn(path, thrown));
      this.#watches.set(path, { id, watcher });
    } catch (thrown) {
      this.#warn(path, thrown);
    }
  }

  /** Ends the watches of folders that were not ensured since the last sweep. */
  sweep(): void {
    for (const [path, { watcher }] of this.#watches) {
      if (this.#seen.has(path)) continue;
      watcher.close();
      this.#watches.delete(path);
    }
    this.#seen = new Set();
  }

  close(): void {
    for (const { watcher } of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }

  #warn(path: string, thrown: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#options.log.warn(
      { path, error: messageOf(thrown) },
      "cannot watch a folder; changes are seen at the next full look",
    );
  }
}

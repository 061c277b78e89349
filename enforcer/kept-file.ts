import { rm } from "node:fs/promises";
import type { Clock } from "../core/clock.ts";
import { Condition } from "../core/condition.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { makePrivateFolder, readPrivateFile, writePrivateFile } from "../core/private-file.ts";
import { type KeptRuleset, KeptRulesetWriter, parseKeptRuleset } from "./kept-ruleset.ts";

/** Where an enforcer keeps what it has applied, for the next one. */
export interface Keeper {
  /** What was kept; undefined if there is none. Throws LAST_GOOD_INVALID if it is not to be used. */
  load(): Promise<KeptRuleset | undefined>;
  /** Base chains are about to become others than those that are kept: until the next is written, what is kept tells nothing of them. */
  unsettle(): Promise<void>;
  /** Whether the base chains in the kernel are those that are kept, if nobody touched them. */
  isSettled(): Promise<boolean>;
  /** What is in force is written soon, as it is then; undefined: something is about to change, so a little later. */
  keep(inForce: () => KeptRuleset | undefined): void;
}

export interface KeptFileOptions {
  /** `data/enforcer`. */
  readonly folder: string;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Kept {
  readonly inForce: () => KeptRuleset | undefined;
}

// After each, so long a pause; a large ruleset takes a while to write: of the time at most this share.
const pauseMs = 2_000;
const writeShare = 1 / 20;
// 50,000 pods in some sets are 2 MB; whatever is far beyond is none of ours.
const maxBytes = 536_870_912;

/** `<folder>/<node>.ruleset`: the last good ruleset of a node on disk; `<node>.unsettled` says that base chains may be others by now. */
export class KeptFile implements Keeper {
  readonly #options: KeptFileOptions;
  readonly #path: string;
  readonly #writer = new KeptRulesetWriter();
  readonly #changed = new Condition();
  /** The file and the marker change one after the other. */
  #turn: Promise<void> = Promise.resolve();
  /** How often base chains were about to change. */
  #unsettled = 0;
  #newest: Kept | undefined;
  #written: Kept | undefined;

  constructor(options: KeptFileOptions) {
    this.#options = options;
    this.#path = `${options.folder}/${options.node}.ruleset`;
  }

  async load(): Promise<KeptRuleset | undefined> {
    const text = await readPrivateFile(this.#path, { code: "LAST_GOOD_INVALID", maxBytes });
    return text === undefined ? undefined : parseKeptRuleset(text, this.#options.node);
  }

  unsettle(): Promise<void> {
    this.#unsettled += 1;
    return this.#inTurn(async () => {
      await makePrivateFolder(this.#options.folder);
      await writePrivateFile(this.#marker, "");
    });
  }

  async isSettled(): Promise<boolean> {
    return (await readPrivateFile(this.#marker, { code: "LAST_GOOD_INVALID", maxBytes })) === undefined;
  }

  get #marker(): string {
    return `${this.#options.folder}/${this.#options.node}.unsettled`;
  }

  keep(inForce: () => KeptRuleset | undefined): void {
    this.#newest = { inForce };
    this.#changed.changed();
  }

  /** Writes until the signal aborts, and then what is newest. */
  async run(signal: AbortSignal): Promise<void> {
    await makePrivateFolder(this.#options.folder);
    const { clock } = this.#options;
    while (!signal.aborted) {
      if (this.#newest === this.#written) await this.#changed.wait(signal);
      const started = clock.monotonic();
      await this.#inTurn(() => this.#write());
      await clock.sleep(Math.max(pauseMs, (clock.monotonic() - started) / writeShare), signal);
    }
    await this.#inTurn(() => this.#write());
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #write(): Promise<void> {
    const { log, node } = this.#options;
    const [newest, unsettled] = [this.#newest, this.#unsettled];
    const kept = newest === this.#written ? undefined : newest?.inForce();
    if (kept === undefined) return;
    try {
      await writePrivateFile(this.#path, this.#writer.text(kept));
      // Its base chains are those of the kernel unless they were about to change once more.
      if (unsettled === this.#unsettled) await rm(this.#marker, { force: true });
    } catch (thrown) {
      log.error(
        { node, error: messageOf(thrown) },
        "the last good ruleset is not kept: a restore would load an older one",
      );
    }
    this.#written = newest;
  }
}

import { type FSWatcher, watch } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import type { Clock } from "../../core/clock.ts";
import { Condition } from "../../core/condition.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { ControlFolder } from "./folder.ts";
import type { Request } from "./messages.ts";

export interface DeskOptions {
  readonly folder: ControlFolder;
  readonly clock: Clock;
  readonly log: Log;
  /** Does what is asked and says so in a sentence; what it throws is told to who asked. */
  readonly handle: (request: Request) => string | Promise<string>;
}

// The kernel tells of new files; file systems that do not are looked at so often.
const lookMs = 1_000;
// Whoever asked has given up by then.
const staleMs = 60_000;

/** Takes requests from the control folder, one after the other, and answers them. */
export class ControlDesk {
  readonly #options: DeskOptions;
  readonly #woken = new Condition();

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { folder, clock } = this.#options;
    await folder.make();
    const watcher = this.#watch(folder.requests);
    try {
      while (!signal.aborted) {
        for (const name of await this.#names()) await this.#serve(name);
        const pause = new AbortController();
        const until = AbortSignal.any([signal, pause.signal]);
        await Promise.race([this.#woken.wait(until), clock.sleep(lookMs, until)]);
        pause.abort();
      }
    } finally {
      watcher?.close();
    }
  }

  #watch(path: string): FSWatcher | undefined {
    try {
      return watch(path, () => this.#woken.changed()).on("error", () => {});
    } catch {
      return undefined;
    }
  }

  async #names(): Promise<readonly string[]> {
    const names = await readdir(this.#options.folder.requests).catch(() => []);
    return names.filter((name) => name.endsWith(".json")).sort();
  }

  async #serve(name: string): Promise<void> {
    const { folder, log } = this.#options;
    try {
      const request = await folder.request(name);
      await rm(`${folder.requests}/${name}`, { force: true });
      if (request !== undefined) await this.#answer(name, request);
    } catch (thrown) {
      // No request of ours: nobody is there to be answered.
      log.warn({ file: name, error: messageOf(thrown) }, "a request in the control folder is refused");
      await rm(`${folder.requests}/${name}`, { force: true, recursive: true });
    }
  }

  async #answer(name: string, request: Request): Promise<void> {
    const { folder, clock, handle } = this.#options;
    if (`${request.id}.json` !== name) throw new SluiceError("CONTROL_INVALID", "its name is not its id");
    if (Math.abs(clock.now() - request.at) > staleMs) throw new SluiceError("CONTROL_INVALID", "it is of another time");
    const { format, id } = request;
    const answer = await Promise.resolve()
      .then(() => handle(request))
      .then(
        (text) => ({ format, id, done: true, text }),
        (thrown: unknown) => ({ format, id, done: false, text: messageOf(thrown) }),
      );
    await folder.answer(answer);
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../core/clock.ts";

const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));
/** As whoever runs it in a cluster would. */
const pauseMs = 1_000;

/** A process of Sluice that somebody starts again whenever it ends. */
export class Stage {
  readonly name: string;
  /** How often it ended by itself. */
  gaveUp = 0;
  readonly #ready = Promise.withResolvers<void>();
  readonly #words: readonly string[];
  readonly #logFile: string;
  #process: ChildProcess | undefined;
  #isWanted = false;

  constructor(name: string, words: readonly string[], logFile: string) {
    this.name = name;
    this.#words = words;
    this.#logFile = logFile;
  }

  /** Resolves when it is ready for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  start(): void {
    this.#isWanted = true;
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_")));
    const child = spawn(process.execPath, [program, ...this.#words], { env, stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    child.stderr.on("data", (text: Buffer) => {
      if (text.includes('"ready"')) this.#ready.resolve();
    });
    child.stderr.pipe(createWriteStream(this.#logFile, { flags: "a" }));
    child.once("exit", () => {
      if (!this.#isWanted || this.#process !== child) return;
      this.gaveUp += 1;
      void systemClock.sleep(pauseMs).then(() => this.#isWanted && this.#process === child && this.start());
    });
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Lets it end in order. */
  async stop(): Promise<void> {
    this.resume();
    await this.#end("SIGTERM");
  }

  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#isWanted = false;
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }
}

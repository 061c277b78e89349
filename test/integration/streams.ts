import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { EndState } from "./stream-program.ts";

const program = new URL("./stream-program.ts", import.meta.url).pathname;

/** A running stream-program.ts. It ends with the IPC channel. */
export class StreamEnd {
  readonly #child: ChildProcess;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** In a network namespace, by its name; resolves when it has begun. */
  static async start(namespace: string, ...words: readonly (string | number)[]): Promise<StreamEnd> {
    const command = ["netns", "exec", namespace, process.execPath, program, ...words.map(String)];
    const child = spawn("ip", command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    await once(child, "message");
    return new StreamEnd(child);
  }

  /** What the stream of a client's port came to. */
  state(port: number): Promise<EndState> {
    return this.#ask(port, []);
  }

  /** No more pushing; what it came to. */
  stop(port: number): Promise<EndState> {
    return this.#ask(port, [port]);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.connected) return;
    const ended = once(this.#child, "exit");
    this.#child.disconnect();
    await ended;
  }

  #ask(port: number, stopped: readonly number[]): Promise<EndState> {
    const answer = this.#turn.then(async () => {
      const message = once(this.#child, "message");
      this.#child.send(stopped);
      const [states] = (await message) as [Readonly<Record<string, EndState>>];
      return states[port] ?? { sent: 0, received: 0, ended: null };
    });
    this.#turn = answer;
    return answer;
  }
}

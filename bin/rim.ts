import { type Clock, systemClock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import type { Part } from "../core/service.ts";
import type { TextStream } from "../sinks/live/output.ts";
import { openStore } from "./open-store.ts";
import { serve } from "./serve.ts";
import type { Store } from "./store.ts";

/** The world as a command sees it; tests give their own. */
export interface Rim {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: TextStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** For people, on stderr: stdout holds data only. */
  note(text: string): void;
  exit(code: number): void;
  openStore(config: Config): Promise<Store>;
  /** Runs until it is done or Ctrl-C stops it. */
  untilStopped(work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

export const realRim: Rim = {
  clock: systemClock,
  env: process.env,
  stdout: process.stdout,
  note: (text) => void process.stderr.write(`sluice: ${text}\n`),
  exit: (code) => {
    process.exitCode = code;
  },
  openStore,
  untilStopped: (work) => {
    const part: Part = {
      name: "sluice",
      run({ stop, ready }) {
        ready();
        return work(stop);
      },
    };
    // What a person ends who looks on has no other end: as every program that Ctrl-C ends.
    process.once("SIGINT", () => {
      process.exitCode = 130;
    });
    return serve([part], { duration: undefined, level: "warn" });
  },
};

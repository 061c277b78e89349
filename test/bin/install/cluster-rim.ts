import type { Command } from "commander";
import type { Rim } from "../../../bin/rim.ts";
import { systemClock } from "../../../core/clock.ts";
import type { ApiServer } from "../../../lab/api-server/api-server.ts";
import { FakeStream } from "../../support/text-stream.ts";

export interface Said {
  readonly out: string;
  readonly notes: readonly string[];
  readonly code: number;
}

/** Runs a command on a cluster as its arguments on the command line would. */
export async function runOn(
  server: ApiServer,
  command: (rim: Rim) => Command,
  ...args: readonly string[]
): Promise<Said> {
  const stdout = new FakeStream();
  const notes: string[] = [];
  let code = 0;
  const rim: Rim = {
    clock: systemClock,
    env: {},
    stdout,
    note: (text) => void notes.push(text),
    exit: (given) => {
      code = given;
    },
    openStore: () => Promise.reject(new Error("nobody asks for records")),
    untilStopped: (work) => work(new AbortController().signal),
  };
  const given = ["--kubeconfig", server.kubeconfig(), ...args];
  const quiet = { writeErr: () => {}, writeOut: () => {} };
  await command(rim).exitOverride().configureOutput(quiet).parseAsync(given, { from: "user" });
  return { out: stdout.text, notes, code };
}

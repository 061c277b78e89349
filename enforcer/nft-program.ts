import { spawn } from "node:child_process";
import { SluiceError } from "../core/errors.ts";
import type { Print } from "./listing.ts";
import type { Nft } from "./nft.ts";
import { inventoryOf, listCommand, refusal, saysNoTable } from "./nft-answer.ts";
import type { OwnChildren } from "./own-children.ts";
import { textOf } from "./text.ts";

interface Outcome {
  readonly status: number;
  readonly output: string;
  readonly words: string;
}

/**
 * nftables by the `nft` program: a process per command, so slower than the library. `namespace` is a path, null our own.
 * `children` is told the pids of the processes.
 */
export function nftProgram(namespace: string | null, children?: OwnChildren): Nft {
  const run = (options: readonly string[], text: string) => runProgram(commandLine(namespace, options), text, children);
  const carryOut = async (options: readonly string[], text: string) => {
    if (text === "") return;
    const { status, words } = await run([...options, "-f", "-"], text);
    if (status !== 0) throw refusal(words);
  };
  return {
    async list() {
      const output = await printByProgram(namespace, "json");
      return output === undefined ? undefined : inventoryOf(output);
    },
    check: (transaction) => carryOut(["-c"], textOf(transaction)),
    apply: (transaction) => carryOut([], textOf(transaction)),
    rewrite: () => Promise.resolve(false),
  };
}

/** Our table as the program prints it; undefined if there is none. */
export async function printByProgram(namespace: string | null, way: Print): Promise<string | undefined> {
  const options = way === "json" ? ["-j", "-n"] : ["-a", "-s", "-t"];
  const { status, output, words } = await runProgram(commandLine(namespace, [...options, listCommand]), "");
  if (status !== 0 && saysNoTable(words)) return undefined;
  if (status !== 0) throw refusal(words);
  return output;
}

/** All tables as JSON, by a process that lets others go first. */
export async function allTables(namespace: string | null): Promise<string> {
  const line = ["nice", "-n", "19", ...commandLine(namespace, ["-j", "-n", "list ruleset"])];
  const { status, output, words } = await runProgram(line, "");
  if (status !== 0) throw refusal(words);
  return output;
}

function commandLine(namespace: string | null, options: readonly string[]): readonly string[] {
  const nft = ["nft", ...options];
  return namespace === null ? nft : ["nsenter", `--net=${namespace}`, "--", ...nft];
}

function runProgram(
  [program = "", ...options]: readonly string[],
  text: string,
  children?: OwnChildren,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, LC_ALL: "C" } });
    children?.began(child.pid ?? 0);
    const [output, words]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => words.push(chunk));
    child.on("error", (cause) => reject(missing(program, cause)));
    child.on("close", (status) => {
      children?.ended(child.pid ?? 0);
      const outcome = { status: status ?? 1, output: textOfChunks(output), words: textOfChunks(words) };
      if (outcome.status === 127 || /failed to execute nft/.test(outcome.words)) reject(missing("nft"));
      else resolve(outcome);
    });
    // It may end before it has read everything; its exit status tells why.
    child.stdin.on("error", () => {});
    child.stdin.end(text);
  });
}

function textOfChunks(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString();
}

function missing(program: string, cause?: unknown): SluiceError {
  const debian = program === "nsenter" ? "util-linux" : "nftables";
  const sentence = `the program ${program} is not there or does not start; on Debian it is in the package ${debian}`;
  return new SluiceError("DEPENDENCY_MISSING", sentence, { cause, context: { program } });
}

import { CommanderError } from "commander";
import { messageOf, SluiceError } from "../core/errors.ts";
import { addCompletion } from "./completion.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { sluiceProgram } from "./program.ts";

async function main(argv: readonly string[]): Promise<void> {
  const program = sluiceProgram();
  addCompletion(program);
  await program.parseAsync([...argv]);
}

/** One clear sentence for what is expected to go wrong, a stack for what is not. */
function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  process.stderr.write(`sluice: ${sentenceOf(thrown)}\n`);
  return exitCodeOf(thrown);
}

function sentenceOf(thrown: unknown): string {
  if (!(thrown instanceof SluiceError)) return (thrown instanceof Error && thrown.stack) || messageOf(thrown);
  const needsRoot = thrown.code === "PERMISSION_DENIED" && !thrown.message.includes("root");
  return needsRoot ? `${thrown.message}: run it as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN` : thrown.message;
}

// A reader such as `head` that has seen enough ends the command, quietly; a full disk does so with a failure. Long commands
// end in order (output.ts).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") process.exitCode = report(new SluiceError("SINK_FAILED", `output: ${error.message}`));
});
// Nobody is left to be told.
process.stderr.on("error", () => {});

/** Ends with the exit code of the process set. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  try {
    await main(argv);
  } catch (thrown) {
    process.exitCode = report(thrown);
  }
}

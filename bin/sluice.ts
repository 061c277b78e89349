#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { messageOf, SluiceError } from "../core/errors.ts";
import { demoCommand } from "./commands/demo.ts";
import { labCommand } from "./commands/lab.ts";
import { traceCommand } from "./commands/trace.ts";
import { upCommand } from "./commands/up.ts";
import { versionCommand } from "./commands/version.ts";
import { exitCodeHelp, exitCodeOf, exitCodes } from "./exit-codes.ts";

const about = `Network-security controls for Kubernetes, and the evidence that they work.

Sluice enforces label-based policies in tiers with nftables, reads every connection from conntrack and every denial from
the netfilter log, and tells who talked to whom and which policy decided.`;

const examples = `
Examples:
  sluice demo --duration 30s                 a cluster on this machine, real traffic, live
  sluice up --objects.folder DIR --node.name NAME --enforcer.mode observe
  sluice trace --objects lab/demo --from prod-web/web --to prod-shop/cart --port 8080
  sluice trace --help                        options and examples of one command
${exitCodeHelp}`;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("sluice")
    .description(about)
    .addHelpText("after", examples)
    .showSuggestionAfterError()
    .exitOverride();
  for (const command of [demoCommand(), upCommand(), traceCommand(), labCommand(), versionCommand()])
    program.addCommand(inheriting(command, program));
  await program.parseAsync([...argv]);
}

/** Settings are copied when a command is added, so those of a command's own subcommands are copied here. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const inner of command.commands) inheriting(inner as Command, command);
  return command;
}

/** One clear sentence for what is expected to go wrong, a stack for what is not. */
function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.notAccepted;
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

try {
  await main(process.argv);
} catch (thrown) {
  process.exitCode = report(thrown);
}

#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { messageOf, SluiceError } from "../core/errors.ts";
import { demoCommand } from "./commands/demo.ts";
import { flowsCommand } from "./commands/flows.ts";
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
  sluice up --objects.folder ./manifests     the same for this machine, without the demo cluster
  sluice trace --from prod/web --to prod/api --port 8080
  sluice trace --help                        options and examples of one command
${exitCodeHelp}`;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("sluice")
    .description(about)
    .addHelpText("after", examples)
    .showSuggestionAfterError()
    .exitOverride();
  for (const command of [demoCommand(), upCommand(), flowsCommand(), traceCommand(), labCommand(), versionCommand()])
    program.addCommand(command.copyInheritedSettings(program));
  await program.parseAsync([...argv]);
}

/** One clear sentence for what is expected to go wrong, a stack for what is not. */
function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const expected = thrown instanceof SluiceError;
  process.stderr.write(
    `sluice: ${expected ? thrown.message : (thrown instanceof Error && thrown.stack) || messageOf(thrown)}\n`,
  );
  return exitCodeOf(thrown);
}

// A reader such as `head` that has seen enough ends the command, quietly. Long commands see it themselves (output.ts).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await main(process.argv);
} catch (thrown) {
  process.exitCode = report(thrown);
}

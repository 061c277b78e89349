import type { Command } from "commander";
import { sluiceProgram } from "../bin/program.ts";

/** docs/reference/cli.md: the help of every command, as `--help` prints it. */
export function cliDocument(): string {
  return [
    "<!-- Generated from bin/commands by scripts/generate-docs.ts; do not edit. -->",
    "# Command line",
    "",
    "Data goes to standard output, notes to standard error. Times are UTC. Also: `sluice completion bash|zsh|fish` prints a script",
    "that completes commands, options and values in that shell.",
    ...commandsOf(sluiceProgram(), []).flatMap(({ path, command }) => [
      "",
      `## ${path.join(" ")}`,
      "",
      "```text",
      helpOf(command),
      "```",
    ]),
    "",
  ].join("\n");
}

interface Named {
  readonly path: readonly string[];
  readonly command: Command;
}

function commandsOf(command: Command, above: readonly string[]): readonly Named[] {
  const path = [...above, command.name()];
  return [{ path, command }, ...command.commands.flatMap((child) => commandsOf(child, path))];
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 120,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.replace(/[ \t]+$/gm, "").trim();
}

import tab from "@bomb.sh/tab/commander";
import { Argument, Command } from "commander";
import { completeFilter } from "../core/filter/complete.ts";
import { knownNames } from "../core/filter/key.ts";
import { protocolNames } from "../core/filter/values.ts";
import { completionScripts } from "./completion-scripts.ts";
import { flowFlags } from "./flow-flags.ts";

type Root = ReturnType<typeof tab>;
type Shell = keyof typeof completionScripts;

/** Adds `completion bash|zsh|fish`, and the hidden command that the scripts it prints ask. To be called last. */
export function addCompletion(program: Command): void {
  const shells = Object.keys(completionScripts);
  const script = new Command("completion")
    .description("print a completion script: source <(sluice completion bash)")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .action((shell: Shell) => void process.stdout.write(completionScripts[shell]));
  program.addCommand(script.copyInheritedSettings(program));
  // The library reads the commands, and would add commands of its own: scripts that break at quotes and at "=".
  const root = tab(copyOf(program));
  addValues(root);
  const complete = new Command("complete")
    .argument("[words...]")
    .action((words: string[]) => (words.at(-2) === "--filter" ? tellFilter(words.at(-1) ?? "") : root.parse(words)));
  program.addCommand(complete.copyInheritedSettings(program), { hidden: true });
}

function copyOf(program: Command): Command {
  const copy = new Command(program.name()).copyInheritedSettings(program);
  for (const option of program.options) copy.addOption(option);
  for (const command of program.commands) copy.addCommand(command);
  for (const command of program.commands) command.parent = program;
  return copy;
}

function addValues(root: Root): void {
  for (const name of ["flows", "pairs", "top"]) {
    const command = root.commands.get(name);
    const field = command?.arguments.get("field");
    if (field !== undefined) field.handler = tellAll(knownNames);
    for (const { name: flag, choices } of flowFlags) {
      const option = command?.options.get(flag);
      const values = flag === "protocol" ? [...protocolNames.values()] : choices;
      if (option !== undefined && values !== undefined) option.handler = tellAll(values);
    }
  }
}

type Tell = (value: string, description: string) => void;

const tellAll = (words: readonly string[]) => (tell: Tell) => {
  for (const word of words) tell(word, "");
};

/** A shell replaces its whole word, so each option comes with what stands before it. */
function tellFilter(word: string): void {
  const { from, options } = completeFilter(word, word.length);
  for (const { text, description } of options) process.stdout.write(`${word.slice(0, from)}${text}\t${description}\n`);
}

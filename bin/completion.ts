import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { completeFilter } from "../core/filter/complete.ts";
import { knownNames } from "../core/filter/key.ts";
import { protocolNames } from "../core/filter/values.ts";
import { flowFlags } from "./flow-flags.ts";

type Tell = (value: string, description: string) => void;

/** Adds `completion bash|zsh|fish`, and the hidden command that the scripts it prints ask. To be called last. */
export function addCompletion(program: Command): void {
  const root = tab(program, { completionCommandName: "completion" });
  for (const name of ["flows", "pairs", "top"]) {
    const command = root.commands.get(name);
    if (command === undefined) continue;
    const field = command.arguments.get("field");
    if (field !== undefined) field.handler = tellAll(knownNames);
    for (const { name: flag, choices } of flowFlags) {
      const option = command.options.get(flag);
      const values = flag === "protocol" ? [...protocolNames.values()] : choices;
      if (option !== undefined && values !== undefined) option.handler = tellAll(values);
    }
    const filter = command.options.get("filter");
    if (filter !== undefined) filter.handler = (tell: Tell) => tellFilter(wordAtCursor(), tell);
  }
}

const tellAll = (words: readonly string[]) => (tell: Tell) => {
  for (const word of words) tell(word, "");
};

/** Scripts ask with everything before the cursor as arguments. The word is the last of them; the library does not pass it on. */
const wordAtCursor = (): string => process.argv.at(-1) ?? "";

/** A shell replaces its whole word, so each option comes with what stands before it. Quotes that are open come along. */
function tellFilter(word: string, tell: Tell): void {
  const { from, options } = completeFilter(word, word.length);
  for (const { text, description } of options) tell(word.slice(0, from) + text, description);
}

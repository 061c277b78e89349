import { InvalidArgumentError, Option } from "commander";
import { nearest } from "../core/nearest.ts";

/** An option with few values; a misspelt one is answered with what was probably meant. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, description).choices(choices);
  return option.argParser((text: string) => {
    if (choices.includes(text)) return text;
    const meant = nearest(text, choices);
    const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.${hint}`);
  });
}

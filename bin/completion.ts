import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { knownNames } from "../core/filter/key.ts";

/** Adds `completion bash|zsh|fish`, and the hidden command that the scripts it prints ask. To be called last. */
export function addCompletion(program: Command): void {
  const root = tab(program, { completionCommandName: "completion" });
  const field = root.commands.get("top")?.arguments.get("field");
  if (field !== undefined)
    field.handler = (complete) => {
      for (const name of knownNames) complete(name, "");
    };
}

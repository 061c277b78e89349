import { diff } from "../enforcer/diff.ts";
import type { Command } from "../enforcer/ruleset.ts";
import { textOf } from "../enforcer/text.ts";
import { RulesetNames } from "./ruleset-names.ts";
import type { WantedRuleset } from "./wanted-ruleset.ts";

/**
 * A ruleset as `nft -f` takes it: it replaces our table in one transaction. Comments say what sets and rules stand for; they end
 * with a parenthesis or a word of ours, never with a backslash, by which nft would go on with the next line.
 */
export function rulesetText(wanted: WantedRuleset): string {
  const { program, ruleset, node } = wanted;
  const names = new RulesetNames(wanted);
  const head = `# Node ${node}, policy revision ${program.revision}: load it with nft -f`;
  const lines = diff(undefined, ruleset).flatMap((command) => linesOf(command, names));
  return `${[head, ...lines].join("\n")}\n`;
}

function linesOf(command: Command, names: RulesetNames): readonly string[] {
  if (command.verb === "add-rules") return chainLines(command, names);
  const words = command.verb === "add-set" ? names.set(command.set.name) : undefined;
  return [...(words === undefined ? [] : [`# (${words})`]), textOf([command])];
}

function chainLines(command: Extract<Command, { verb: "add-rules" }>, names: RulesetNames): readonly string[] {
  const { chain, rules } = command;
  const policies = names.chain(chain);
  const title = `# chain ${chain}${policies === "" ? "" : ` (${policies})`}`;
  const lines = rules.flatMap((rule, at) => {
    const words = names.ruleAt(chain, at);
    const comment = words === undefined || words === names.ruleAt(chain, at - 1) ? [] : [`#   (${words})`];
    return [...comment, textOf([{ ...command, rules: [rule] }])];
  });
  return [title, ...lines];
}

/** The model itself, for programs. */
export function rulesetObject({ node, program, ruleset, problems }: WantedRuleset): object {
  return {
    type: "ruleset",
    node,
    revision: program.revision,
    counters: [...ruleset.counters],
    sets: [...ruleset.sets.values()].map((set) => ({ ...set, elements: [...set.elements] })),
    maps: [...ruleset.maps.values()].map((map) => ({ ...map, entries: Object.fromEntries(map.entries) })),
    chains: [...ruleset.chains.values()],
    problems,
  };
}

// A transaction that makes everything anew goes to the thread that sends it in parts: of 17,000 rules and 245,000 elements the words of
// all at once, here, under way and there, are 40 MB.
import { elementCount } from "./packed-transaction.ts";
import type { Command, Name, Transaction } from "./ruleset.ts";

/** About 300 KB of words. */
const fullPart = 5_000;
/** A rule is as many words as so many elements. */
const ruleWeight = 10;

export function* partsOf(transaction: Transaction): Generator<Transaction> {
  let [part, weight]: [Command[], number] = [[], 0];
  for (const command of transaction) {
    part.push(command);
    weight += weightOf(command);
    if (weight < fullPart) continue;
    yield part;
    [part, weight] = [[], 0];
  }
  yield part;
}

function weightOf(command: Command): number {
  if (command.verb === "add-elements") return command.elements.length;
  return command.verb === "add-rules" ? ruleWeight * command.rules.length : 1;
}

/** How many elements sets begin with. */
export function elementCounts(transaction: Transaction): ReadonlyMap<Name, number> {
  const counts = new Map<Name, number>();
  for (const command of transaction)
    if (command.verb === "add-elements")
      counts.set(command.set, (counts.get(command.set) ?? 0) + elementCount(command));
  return counts;
}

/** What is remembered of a command that was written: which object it was about. */
export function outlineOf(command: Command): Command {
  switch (command.verb) {
    case "add-elements":
    case "delete-elements":
      return { verb: command.verb, set: command.set, elements: [] };
    case "add-entries":
      return { verb: command.verb, map: command.map, entries: new Map() };
    case "delete-entries":
      return { verb: command.verb, map: command.map, keys: [] };
    case "add-rules":
      return { verb: command.verb, chain: command.chain, rules: [] };
    case "add-table":
    case "delete-table":
    case "add-set":
    case "add-map":
    case "add-counter":
    case "add-chain":
    case "flush-chain":
    case "delete-chain":
    case "delete-map":
    case "delete-set":
    case "delete-counter":
      return command;
  }
}

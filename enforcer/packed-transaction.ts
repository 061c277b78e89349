// A Transaction on its way to another thread. What it is about in large numbers goes as one text for each command and is read when it is
// asked for: 250,000 elements and 15,000 rules cloned one by one are 30 MB there, and take longer than their texts.
import type { Element } from "./element.ts";
import type { Command, MapVerdict, Rule, Transaction } from "./ruleset.ts";

type Large = Extract<Command, { elements: unknown } | { keys: unknown } | { entries: unknown } | { rules: unknown }>;

/** `packed` stands for the rest. */
export type PackedCommand =
  | Exclude<Command, Large>
  | (Pick<Extract<Large, { set: unknown }>, "verb" | "set"> & { readonly packed: string; readonly count: number })
  | (Pick<Extract<Large, { map: unknown }>, "verb" | "map"> & { readonly packed: string })
  | (Pick<Extract<Large, { chain: unknown }>, "verb" | "chain"> & { readonly packed: string });

export type PackedTransaction = readonly PackedCommand[];

export function packed(transaction: Transaction): PackedTransaction {
  return transaction.map(packedCommand);
}

function packedCommand(command: Command): PackedCommand {
  switch (command.verb) {
    case "add-elements":
    case "delete-elements":
      return { ...part(command), packed: listText(command.elements), count: command.elements.length };
    case "delete-entries":
      return { verb: command.verb, map: command.map, packed: listText(command.keys) };
    case "add-entries":
      return { verb: command.verb, map: command.map, packed: JSON.stringify([...command.entries]) };
    case "add-rules":
      return { verb: command.verb, chain: command.chain, packed: JSON.stringify(command.rules) };
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

/** Every command is as it was; its large part is made anew whenever it is looked at. */
export function unpacked(transaction: PackedTransaction): Transaction {
  return transaction.map((command) => ("packed" in command ? unpackedCommand(command) : command));
}

function unpackedCommand(command: Extract<PackedCommand, { packed: string }>): Command {
  const { packed: text } = command;
  switch (command.verb) {
    case "add-elements":
    case "delete-elements": {
      const unpacked = {
        ...part(command),
        get elements() {
          return listOf(text);
        },
      };
      counts.set(unpacked, command.count);
      return unpacked;
    }
    case "delete-entries":
      return {
        ...{ verb: command.verb, map: command.map },
        get keys() {
          return listOf(text);
        },
      };
    case "add-entries":
      return {
        ...{ verb: command.verb, map: command.map },
        get entries() {
          return new Map(JSON.parse(text) as [Element, MapVerdict][]);
        },
      };
    case "add-rules":
      return {
        ...{ verb: command.verb, chain: command.chain },
        get rules() {
          return JSON.parse(text) as Rule[];
        },
      };
  }
}

type OfElements = Extract<Command, { elements: unknown }>;

const part = ({ verb, set }: Pick<OfElements, "verb" | "set">) => ({ verb, set });

const counts = new WeakMap<object, number>();

/** How many elements a command is about; of one that was packed they need not be made for that. */
export function elementCount(command: OfElements): number {
  return counts.get(command) ?? command.elements.length;
}

/** No Element holds the end of a line. */
const separator = "\n";

function listText(elements: readonly Element[]): string {
  return elements.join(separator);
}

function listOf(text: string): readonly Element[] {
  return text === "" ? [] : (text.split(separator) as Element[]);
}

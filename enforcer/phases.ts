import type { Command, Transaction } from "./ruleset.ts";

/** What goes into the kernel by our own batches: elements, entries, and the end of objects. See nft-batch.ts. */
export type DirectCommand = Extract<
  Command,
  {
    readonly verb:
      | "add-elements"
      | "delete-elements"
      | "add-entries"
      | "delete-entries"
      | "flush-chain"
      | "delete-chain"
      | "delete-map"
      | "delete-set"
      | "delete-counter";
  }
>;

type DarkCommand = Extract<
  Command,
  { readonly verb: "add-set" | "add-map" | "add-counter" | "add-chain" | "add-rules" }
>;

/** A transaction in two steps, of which packets notice the second only. */
export interface Phases {
  /** New sets, maps, counters and chains with their rules: nothing leads to them yet. */
  readonly dark: readonly DarkCommand[];
  /** Everything that changes what becomes of a packet, in one step; after it, what nothing leads to any more. */
  readonly visible: readonly DirectCommand[];
  /** Takes the dark step back, if the visible one fails. */
  readonly undo: readonly DirectCommand[];
}

/**
 * Parts a transaction so that libnftables need not look at elements, which takes it up to 0.2 s; undefined if it must be one:
 * if it makes or deletes the table, makes a base chain, changes the rules of a chain that is there already, or deletes what
 * it adds. Names of chains are made of their content (draft.ts), so a changed policy comes in new chains and an entry that
 * leads there. See docs/decisions/0020.
 */
export function phasesOf(transaction: Transaction): Phases | undefined {
  const dark: DarkCommand[] = [];
  const visible: DirectCommand[] = [];
  for (const command of transaction)
    switch (command.verb) {
      case "add-table":
      case "delete-table":
        return undefined;
      case "add-set":
      case "add-map":
      case "add-counter":
      case "add-chain":
      case "add-rules":
        dark.push(command);
        break;
      case "add-elements":
      case "delete-elements":
      case "add-entries":
      case "delete-entries":
      case "flush-chain":
      case "delete-chain":
      case "delete-map":
      case "delete-set":
      case "delete-counter":
        visible.push(command);
        break;
    }
  return isDark(dark, visible) ? { dark, visible, undo: undoOf(dark) } : undefined;
}

function isDark(dark: readonly DarkCommand[], visible: readonly DirectCommand[]): boolean {
  const made = new Set(dark.flatMap(madeBy));
  return (
    dark.every((command) => command.verb !== "add-rules" || made.has(command.chain)) &&
    dark.every((command) => command.verb !== "add-chain" || command.chain.base === null) &&
    visible.flatMap(endedBy).every((name) => !made.has(name))
  );
}

function madeBy(command: DarkCommand): readonly string[] {
  switch (command.verb) {
    case "add-set":
      return [command.set.name];
    case "add-map":
      return [command.map.name];
    case "add-counter":
      return [command.name];
    case "add-chain":
      return [command.chain.name];
    case "add-rules":
      return [];
  }
}

function endedBy(command: DirectCommand): readonly string[] {
  if (command.verb === "flush-chain") return [command.chain];
  return "name" in command ? [command.name] : [];
}

/** Backwards, and chains are emptied first, as they refer to each other. */
function undoOf(dark: readonly DarkCommand[]): readonly DirectCommand[] {
  const chains = dark.flatMap((command) => (command.verb === "add-chain" ? [command.chain.name] : []));
  const flushes = chains.map((chain): DirectCommand => ({ verb: "flush-chain", chain }));
  return [...flushes, ...dark.toReversed().flatMap(endOf)];
}

function endOf(command: DarkCommand): readonly DirectCommand[] {
  switch (command.verb) {
    case "add-set":
      return [{ verb: "delete-set", name: command.set.name }];
    case "add-map":
      return [{ verb: "delete-map", name: command.map.name }];
    case "add-counter":
      return [{ verb: "delete-counter", name: command.name }];
    case "add-chain":
      return [{ verb: "delete-chain", name: command.chain.name }];
    case "add-rules":
      return [];
  }
}

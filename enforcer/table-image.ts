import type { Batch } from "../core/netlink/batch.ts";
import { compacted } from "../core/netlink/element-log.ts";
import { type Command, hasOwnElements, type Name } from "./ruleset.ts";

/** Messages of a batch. */
type Piece = Uint8Array;

/** More changes of one set are summed up when there is time, fewer when they are needed. */
const longestLog = 16;

/**
 * What batches have made of our table, as the messages that make it again: who has them ready loses no time with a ruleset of 10,000
 * rules, and it is as new as the last change. Elements that end by themselves are not in it.
 */
export class TableImage {
  /** Whether there is a table, and everything in it came by batches. */
  #isWhole = false;
  /** The table that was there is gone. */
  #isNew = false;
  readonly #sets = new Map<Name, Piece>();
  readonly #maps = new Map<Name, Piece>();
  readonly #counters = new Map<Name, Piece>();
  readonly #chains = new Map<Name, Piece>();
  readonly #rules = new Map<Name, Piece[]>();
  /** Of sets and maps: what was added and taken away, in order. */
  readonly #logs = new Map<Name, Piece[]>();
  readonly #untidy = new Set<Name>();

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** About how long the messages are together. */
  get bytes(): number {
    const headers = [this.#sets, this.#maps, this.#counters, this.#chains].flatMap((pieces) => [...pieces.values()]);
    const contents = [this.#rules, this.#logs].flatMap((pieces) => [...pieces.values()]).flat();
    return [...headers, ...contents].reduce((sum, { length }) => sum + length, 0);
  }

  /** Something else than a batch may have changed the table. */
  forget(): void {
    this.#isWhole = false;
    this.#isNew = false;
    const all = [this.#sets, this.#maps, this.#counters, this.#chains, this.#rules, this.#logs, this.#untidy];
    for (const objects of all) objects.clear();
  }

  /** A command that was carried out by these messages. */
  take(command: Command, piece: Piece): void {
    switch (command.verb) {
      case "delete-table":
        this.forget();
        this.#isNew = true;
        break;
      case "add-table":
        this.#isWhole ||= this.#isNew;
        break;
      case "add-set":
        this.#sets.set(command.set.name, piece);
        // It may be one that is there and has more room now.
        if (!hasOwnElements(command.set) && !this.#logs.has(command.set.name)) this.#logs.set(command.set.name, []);
        break;
      case "add-map":
        this.#maps.set(command.map.name, piece);
        this.#logs.set(command.map.name, []);
        break;
      case "add-counter":
        this.#counters.set(command.name, piece);
        break;
      case "add-chain":
        this.#chains.set(command.chain.name, piece);
        this.#rules.set(command.chain.name, []);
        break;
      case "add-elements":
      case "delete-elements":
        this.#log(command.set, piece);
        break;
      case "add-entries":
      case "delete-entries":
        this.#log(command.map, piece);
        break;
      case "add-rules":
        this.#rules.get(command.chain)?.push(piece);
        break;
      case "flush-chain":
        this.#rules.set(command.chain, []);
        break;
      case "delete-chain":
        this.#chains.delete(command.name);
        this.#rules.delete(command.name);
        break;
      case "delete-map":
      case "delete-set":
        for (const objects of [this.#sets, this.#maps, this.#logs]) objects.delete(command.name);
        break;
      case "delete-counter":
        this.#counters.delete(command.name);
        break;
    }
  }

  /** Into a batch that has made an empty table. What is referred to comes before what refers to it, entries of maps last. */
  writeTo(batch: Batch): void {
    for (const [name, log] of this.#logs) if (log.length > 1) this.#logs.set(name, [compacted(log)]);
    for (const headers of [this.#sets, this.#counters, this.#maps, this.#chains])
      for (const piece of headers.values()) batch.copy(piece);
    const contents = (names: Iterable<Name>, pieces: ReadonlyMap<Name, readonly Piece[]>) => {
      for (const name of names) for (const piece of pieces.get(name) ?? []) batch.copy(piece);
    };
    contents(this.#sets.keys(), this.#logs);
    contents(this.#chains.keys(), this.#rules);
    contents(this.#maps.keys(), this.#logs);
  }

  /** Sums up the changes of one set, for some milliseconds if it is a large one. False if there is nothing to do. */
  tidy(): boolean {
    const [name] = this.#untidy;
    if (name === undefined) return false;
    this.#untidy.delete(name);
    const log = this.#logs.get(name);
    if (log !== undefined) this.#logs.set(name, [compacted(log)]);
    return true;
  }

  #log(name: Name, piece: Piece): void {
    const log = this.#logs.get(name);
    log?.push(piece);
    if (log !== undefined && log.length > longestLog) this.#untidy.add(name);
  }
}

import { SluiceError } from "../core/errors.ts";
import type { Batch, Refusal } from "../core/netlink/batch.ts";
import { errnoName } from "../core/netlink/libc.ts";
import { decodeSet, type NewSet, type SetDescription, type SetElement } from "../core/netlink/nf-sets.ts";
import { type Place, setRequest, TableChanges } from "../core/netlink/nf-tables.ts";
import type { NetlinkSocket } from "../core/netlink/socket.ts";
import type { Element } from "./element.ts";
import { intervalOf, keyFormat, keyOf, packedKeys, typesOf } from "./element-key.ts";
import { outlineOf } from "./load-parts.ts";
import { writeRule } from "./rule-expressions.ts";
import {
  type Command,
  type DataType,
  hasOwnElements,
  isReplacement,
  type MapHeader,
  type MapVerdict,
  type Name,
  nameOf,
  type SetHeader,
  type Transaction,
} from "./ruleset.ts";
import { SetRooms } from "./set-room.ts";
import { TableImage } from "./table-image.ts";
import { ruleText, tableFamily, tableName } from "./text.ts";

/** A batch in the making. */
export interface Load {
  readonly add: (part: Transaction) => void;
  /** As `Batches.apply`. */
  readonly finish: () => void;
}

/** Our own batches in one network namespace. */
export class Batches {
  readonly #socket: NetlinkSocket;
  readonly #keys: KeyReader;
  readonly #image = new TableImage();
  readonly #rooms = new SetRooms();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
    this.#keys = new KeyReader(socket);
  }

  /** Carries out all commands at once, or none. NFT_FAILED names the set or chain, the element, and what the kernel says. */
  apply(transaction: Transaction): void {
    const plan = this.#rooms.plan(transaction);
    if (plan.growth.length > 0) this.#carryOut(plan.growth);
    this.#carryOut(plan.transaction);
    plan.done();
  }

  #carryOut(transaction: Transaction): void {
    const changes = new TableChanges(tableName, tableFamily);
    const begin = changes.batch.length;
    const ends = this.#write(changes, transaction);
    this.#send(changes, transaction);
    // A large one stays in memory as the image of the table.
    this.#remember(transaction, changes.batch, begin, ends);
  }

  /** What makes everything anew, as `apply` does, of commands that come in parts. `counts`: how many elements sets begin with. */
  load(counts: ReadonlyMap<Name, number>): Load {
    const changes = new TableChanges(tableName, tableFamily);
    const [begin, plan] = [changes.batch.length, this.#rooms.planAnew(counts)];
    const [told, ends]: [Command[], number[]] = [[], []];
    return {
      add: (part) => {
        const commands = plan.part(part);
        ends.push(...this.#write(changes, commands, told.length));
        told.push(...commands.map(outlineOf));
      },
      finish: () => {
        this.#send(changes, told);
        this.#remember(told, changes.batch, begin, ends);
        plan.done();
      },
    };
  }

  /** As `Nft.rewrite`. */
  rewrite(more: Transaction): boolean {
    if (!this.#image.isWhole) return false;
    const changes = new TableChanges(tableName, tableFamily, this.#image.bytes + moreBytes);
    this.#write(changes, emptyTable);
    this.#image.writeTo(changes.batch);
    this.#write(changes, more);
    this.#send(changes, []);
    changes.batch.free();
    return true;
  }

  /** To be called when sets may have been made anew by somebody else. */
  forget(): void {
    this.#keys.forget();
  }

  /** To be called when our table was changed by something else than a batch. */
  forgetTable(): void {
    this.#image.forget();
    this.#rooms.forget();
  }

  /** Work for when there is nothing else to do; false if there is none. */
  tidy(): boolean {
    return this.#image.tidy();
  }

  /** How long the batch is after each command. `first`: the number of the first one. */
  #write(changes: TableChanges, transaction: Transaction, first = 0): readonly number[] {
    try {
      return transaction.map((command, place) => {
        addTo(changes, this.#keys, first + place, command);
        return changes.batch.length;
      });
    } catch (thrown) {
      this.forget();
      throw thrown;
    }
  }

  #send(changes: TableChanges, transaction: Transaction): void {
    let refusal: Refusal | undefined;
    try {
      refusal = changes.batch.send(this.#socket);
    } catch (thrown) {
      // Whether the kernel carried it out is not known.
      this.forget();
      this.#image.forget();
      throw thrown;
    }
    if (refusal === undefined) return;
    this.forget();
    throw refused(refusal, transaction, changes.placeOf(refusal.index, refusal.answer.offset));
  }

  #remember(transaction: Transaction, batch: Batch, begin: number, ends: readonly number[]): void {
    if (!isReplacement(transaction) && !this.#image.isWhole) return;
    const written = batch.slice(0, ends.at(-1) ?? 0);
    // What a large batch has reserved and not written takes no memory: the kernel gives none for it.
    const bytes = written.length > largeBytes ? written : Uint8Array.from(written);
    const starts = [begin, ...ends];
    for (const [subject, command] of transaction.entries())
      this.#image.take(command, bytes.subarray(starts[subject], ends[subject]));
  }
}

const largeBytes = 2 ** 20;
// Room for the table's own messages and some elements besides.
const moreBytes = 65_536;
const emptyTable: Transaction = [{ verb: "add-table" }, { verb: "delete-table" }, { verb: "add-table" }];

function addTo(changes: TableChanges, keys: KeyReader, subject: number, command: Command): void {
  switch (command.verb) {
    case "add-table":
      changes.addTable(subject);
      break;
    case "delete-table":
      keys.forget();
      changes.deleteTable(subject);
      break;
    case "add-set":
      changes.addSet(subject, nameOf(command.set.name), keys.learn(newSet(command.set), command.set.name));
      break;
    case "add-map":
      changes.addSet(subject, nameOf(command.map.name), keys.learn(newMap(command.map), command.map.name));
      break;
    case "add-counter":
      changes.addCounter(subject, nameOf(command.name));
      break;
    case "add-chain":
      changes.addChain(subject, nameOf(command.chain.name), command.chain.base);
      break;
    case "add-elements":
      addElements(changes, subject, "add", command, keys.of(command.set));
      break;
    case "delete-elements":
      addElements(changes, subject, "delete", command, keys.of(command.set));
      break;
    case "add-entries": {
      const read = readerOf(keys.of(command.map));
      const entries = [...command.entries].map(([key, verdict]) => ({ ...read(key), verdict: checked(verdict) }));
      changes.elements(subject, "add", nameOf(command.map), entries);
      break;
    }
    case "delete-entries":
      changes.elements(subject, "delete", nameOf(command.map), command.keys.map(readerOf(keys.of(command.map))));
      break;
    case "add-rules": {
      const chain = nameOf(command.chain);
      for (const [at, rule] of command.rules.entries())
        changes.addRule(subject, at, chain, (expressions) => writeRule(expressions, rule));
      break;
    }
    case "flush-chain":
      changes.flushChain(subject, nameOf(command.chain));
      break;
    case "delete-chain":
      changes.deleteChain(subject, nameOf(command.name));
      break;
    case "delete-map":
    case "delete-set":
      changes.deleteSet(subject, nameOf(command.name));
      break;
    case "delete-counter":
      changes.deleteCounter(subject, nameOf(command.name));
      break;
  }
}

function newSet(set: SetHeader): NewSet {
  const { type, flag, timeoutMs, size } = set;
  const flags = { isInterval: flag === "interval", isMap: false, hasTimeouts: hasOwnElements(set) };
  return { ...keyFormat(type), ...flags, timeoutMs, isDynamic: flag === "dynamic", size };
}

function newMap({ type }: MapHeader): NewSet {
  const never = { hasTimeouts: false, timeoutMs: undefined, isDynamic: false, size: undefined };
  return { ...keyFormat(type), isInterval: false, isMap: true, ...never };
}

function checked(verdict: MapVerdict): MapVerdict {
  return verdict.verdict === "jump" ? { verdict: "jump", to: nameOf(verdict.to) } : { verdict: verdict.verdict };
}

function addElements(
  changes: TableChanges,
  subject: number,
  verb: "add" | "delete",
  { set, elements }: { readonly set: Name; readonly elements: readonly Element[] },
  holds: Holds,
): void {
  if (holds.isInterval) changes.elements(subject, verb, nameOf(set), elements.map(readerOf(holds)));
  else changes.keys(subject, verb, nameOf(set), packedKeys(elements, holds.types));
}

/** What a set or map holds. */
type Holds =
  | { readonly isInterval: false; readonly types: readonly DataType[] }
  | { readonly isInterval: true; readonly type: DataType };

/**
 * What sets hold. Of a set that no batch made the kernel is asked, once: it goes through all sets by name, 40 µs with 2,000 of
 * them. It refuses keys of another length, should a set have been made anew behind our back.
 */
class KeyReader {
  readonly #socket: NetlinkSocket;
  readonly #known = new Map<Name, Holds>();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  learn(set: NewSet, name: Name): NewSet {
    this.#known.set(name, holdsOf(name, set));
    return set;
  }

  forget(): void {
    this.#known.clear();
  }

  of(name: Name): Holds {
    const holds = this.#known.get(name) ?? holdsOf(name, describe(this.#socket, name));
    this.#known.set(name, holds);
    return holds;
  }
}

function holdsOf(name: Name, { keyType, isInterval }: SetDescription): Holds {
  const types = typesOf(keyType);
  const [only] = types ?? [];
  if (types !== undefined && !isInterval) return { isInterval, types };
  if (types?.length !== 1 || only === undefined)
    throw new SluiceError("NFT_FAILED", `nftables: ${name} is not a set of ours`, { context: { set: name } });
  return { isInterval: true, type: only };
}

function readerOf(holds: Holds): (element: Element) => SetElement {
  if (!holds.isInterval) return (element) => ({ key: keyOf(element, holds.types) });
  return (element) => {
    const { start, end } = intervalOf(element, holds.type);
    return { key: start, end };
  };
}

function describe(socket: NetlinkSocket, name: Name): SetDescription {
  let description: SetDescription | undefined;
  try {
    socket.dump(`set ${name}`, setRequest(tableName, tableFamily, nameOf(name)), (bytes, message) => {
      description = decodeSet(bytes, message);
    });
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== "NETLINK_FAILED") throw thrown;
    const context = { ...thrown.context, set: name };
    throw new SluiceError("NFT_FAILED", `nftables: ${thrown.message}`, { cause: thrown, context });
  }
  if (description === undefined)
    throw new SluiceError("NFT_FAILED", `nftables: the kernel does not describe set ${name}`);
  return description;
}

// What the kernel's errors mean here, for people: net/netfilter/nf_tables_api.c and nfnetlink.c.
const meanings: Readonly<Record<string, string>> = {
  EBUSY: "something still leads to it",
  ENOENT: "it is not there",
  ENFILE: "the set is full",
  EEXIST: "it is there already and leads elsewhere, or overlaps with what is there",
  ENOTEMPTY: "it overlaps with what is there",
  ENOBUFS: "the kernel has no memory for it",
  ENOMEM: "the kernel has no memory for it",
  ERESTART: "another process changed the ruleset meanwhile",
  ELOOP: "the jumps would be a circle",
  EMLINK: "the jumps would be too deep",
  ENOTSUP: "the kernel does not do this, or not at this hook",
  EPERM: "it takes root, or CAP_NET_ADMIN",
};

const passing = new Set(["EBUSY", "ENOBUFS", "ENOMEM", "ERESTART", "EAGAIN"]);

function refused({ answer }: Refusal, commands: Transaction, place: Place | undefined): SluiceError {
  const errno = errnoName(answer.errno);
  const command = place && commands[place.subject];
  const subject = command && subjectOf(command);
  const element = command && place.element !== null ? elementAt(command, place.element) : undefined;
  const words = [errno, answer.message || meanings[errno]].filter(Boolean).join(", ");
  const where = command === undefined ? "commit" : [command.verb, subject, element].filter(Boolean).join(" ");
  const context = { errno, command: where, ...(subject && { subject }), ...(element && { element }) };
  const code = errno === "EPERM" ? "PERMISSION_DENIED" : "NFT_FAILED";
  return new SluiceError(code, `nftables: ${where}: ${words}`, { retriable: passing.has(errno), context });
}

function subjectOf(command: Command): string {
  switch (command.verb) {
    case "add-table":
    case "delete-table":
      return tableName;
    case "add-set":
      return command.set.name;
    case "add-elements":
    case "delete-elements":
      return command.set;
    case "add-map":
      return command.map.name;
    case "add-entries":
    case "delete-entries":
      return command.map;
    case "add-chain":
      return command.chain.name;
    case "add-rules":
    case "flush-chain":
      return command.chain;
    case "add-counter":
    case "delete-chain":
    case "delete-map":
    case "delete-set":
    case "delete-counter":
      return command.name;
  }
}

/** The element or rule of a command, in nft's words. */
function elementAt(command: Command, index: number): string | undefined {
  if ("elements" in command) return command.elements[index];
  if ("keys" in command) return command.keys[index];
  if ("entries" in command) return [...command.entries.keys()][index];
  const rule = "rules" in command ? command.rules[index] : undefined;
  return rule && ruleText(rule);
}

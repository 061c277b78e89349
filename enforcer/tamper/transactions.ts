import { messageOf } from "../../core/errors.ts";
import type { Messages } from "../../core/netlink/message.ts";
import { netfilterFamily } from "../../core/netlink/netfilter.ts";
import { decodeNftEvent, isGeneration, type NftEvent, tableOf } from "../../core/netlink/nft-event.ts";
import { tableFamily, tableName } from "../text.ts";
import type { Culprit, Glimpse } from "./culprit.ts";
import type { News } from "./news.ts";
import { isInOurTable, type TableEvent } from "./table-event.ts";

/** More of a transaction is only counted: who changes so much has everything written anew anyway. */
const mostEvents = 2_000;
/** A transaction whose changes take more room than that is not remembered, but taken for anything. */
const mostBytes = 64 * 1024 * 1024;

export interface TransactionsOptions {
  /** Whether a thread that made a change is ours; asked at once, as the others are about to be gone. */
  readonly isOurs: (pid: number, port: number) => boolean;
  /** As this process numbers them. */
  readonly localPid: (pid: number, port: number) => number;
  readonly glimpseOf: (pid: number) => Glimpse;
  readonly culpritOf: (who: { readonly pid: number; readonly program: string }, glimpse: Glimpse) => Culprit;
  /** Wall time, milliseconds. */
  readonly now: () => number;
}

interface Kept {
  readonly type: number;
  readonly port: number;
  readonly bytes: Uint8Array;
}

/** Puts the kernel's messages together to transactions: whose they are is told last. */
export class Transactions {
  readonly #options: TransactionsOptions;
  /** Messages about our table; of its elements, and of all else, no more than are told of one transaction. */
  #kept: Kept[] = [];
  #bytes = 0;
  #elements = 0;
  #others = 0;
  /** Ports that changed other tables. */
  readonly #elsewhere = new Set<number>();
  #quietAt: number;
  /** Of the last transaction; undefined if it is not known which that was. */
  generation: number | undefined;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.#quietAt = options.now();
  }

  /** Nothing that had happened by then is left to be read. */
  quiet(now: number): void {
    this.#quietAt = now;
  }

  /** What was begun is not known to be whole. */
  lost(reason: string, isRare = false): News {
    this.#forget();
    this.generation = undefined;
    return { kind: "lost", at: this.#options.now(), after: this.#quietAt, reason, isRare };
  }

  /** `bytes` are used again by their owner, so what is needed later is copied. Undefined while a transaction goes on. */
  take(bytes: Buffer, message: Messages): News | undefined {
    if (isGeneration(message)) return this.#finish(bytes, message);
    const place = tableOf(bytes, message);
    if (place !== undefined && !isInOurTable(place)) {
      this.#elsewhere.add(message.port);
      return undefined;
    }
    if (isElementType(message.type) && ++this.#elements > mostEvents) return undefined;
    if (!isElementType(message.type) && ++this.#others > mostEvents && !isDeletedTable(message.type)) return undefined;
    const copy = Uint8Array.from(bytes.subarray(message.start, message.end));
    this.#bytes += copy.length;
    if (this.#bytes > mostBytes) return this.lost("one transaction is larger than can be remembered");
    this.#kept.push({ type: message.type, port: message.port, bytes: copy });
    return undefined;
  }

  #finish(bytes: Buffer, message: Messages): News | undefined {
    try {
      const generation = decodeNftEvent(bytes, message);
      if (generation?.what !== "generation") return undefined;
      this.generation = generation.id;
      return this.#newsOf(generation, message.port);
    } catch (thrown) {
      return this.lost(messageOf(thrown));
    } finally {
      this.#forget();
    }
  }

  #newsOf({ pid, program }: Extract<NftEvent, { what: "generation" }>, port: number): News | undefined {
    // First of all: whoever it was, is about to end.
    const glimpse = this.#options.glimpseOf(pid);
    // What the kernel tells by itself, such as a quota that is used up, belongs to nobody's transaction.
    const own = this.#kept.filter((each) => each.port === port);
    const uncounted = Math.max(0, this.#elements - mostEvents) + Math.max(0, this.#others - mostEvents);
    if (this.#options.isOurs(pid, port)) return ownNews(own, this.#others > mostEvents);
    const culprit = this.#options.culpritOf({ pid, program }, glimpse);
    // Who deletes the table deletes all that is in it, of which the kernel tells as well.
    const deleted = own.findLast(({ type }) => isDeletedTable(type));
    const ours = (deleted === undefined ? own : [deleted]).flatMap(eventsOf);
    return {
      kind: "foreign",
      at: this.#options.now(),
      after: this.#quietAt,
      culprit,
      localPid: this.#options.localPid(pid, port),
      events: ours.slice(0, mostEvents),
      omitted: Math.max(0, ours.length - mostEvents) + (deleted === undefined ? uncounted : 0),
      touchesOthers: this.#elsewhere.has(port),
    };
  }

  #forget(): void {
    this.#kept = [];
    this.#bytes = 0;
    this.#elements = 0;
    this.#others = 0;
    this.#elsewhere.clear();
  }
}

const none = new Uint8Array();

/** Elements are left out, and what rules say: of our own nobody needs to know, and they are many. Where there were too many, all is new. */
function ownNews(kept: readonly Kept[], isTooMuch: boolean): News | undefined {
  if (isTooMuch) return { kind: "own", events: [newTable] };
  const events = kept
    .filter(({ type }) => !isElementType(type))
    .flatMap(eventsOf)
    .map((event) => (event.what === "rule" ? { ...event, expressions: none } : event));
  return events.length === 0 ? undefined : { kind: "own", events };
}

// NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM
const isElementType = (type: number) => (type & 0xff) === 12 || (type & 0xff) === 14;

const newTable: TableEvent = {
  what: "table",
  family: netfilterFamily[tableFamily],
  table: tableName,
  gone: false,
};

// NFT_MSG_DELTABLE
const isDeletedTable = (type: number) => (type & 0xff) === 2;

function eventsOf(each: Kept): readonly TableEvent[] {
  const event = decodeNftEvent(each.bytes, framed(each));
  return event === undefined || event.what === "generation" ? [] : [event];
}

const framed = ({ type, bytes }: Kept) => ({ type, start: 0, end: bytes.length });

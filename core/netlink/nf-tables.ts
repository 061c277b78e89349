import { Batch } from "./batch.ts";
import { messageFlag } from "./message.ts";
import { MessageWriter } from "./message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterType, subsystem } from "./netfilter.ts";
import { Expressions } from "./nf-expressions.ts";
import {
  type Keys,
  keyElementBytes,
  type NewSet,
  type SetElement,
  writeElements,
  writeKeys,
  writeSet,
} from "./nf-sets.ts";

// Changes of one table of nf_tables, include/uapi/linux/netfilter/nf_tables.h. Names are texts, numbers u32be. Attributes of the
// messages NFT_MSG_NEW* and DEL*, after nlmsghdr and nfgenmsg:
//
// table   => 1:name
// chain   => 1:table 3:name 4:hook 5:policy 7:type        NFTA_CHAIN_*; the last three of base chains
//   hook  => 1:number 2:priority                          NFTA_HOOK_*
// rule    => 1:table 2:chain 4:expressions                NFTA_RULE_*; deleted without a handle it is all rules of the chain
// counter => 1:table 2:name 3:type 4:data                 NFTA_OBJ_*; NFT_OBJECT_COUNTER is 1
//   data  => 1:bytes 2:packets                            each u64be
// sets and elements: see nf-sets.ts
const kernelMessage = {
  ...{ newtable: 0, deltable: 2, newchain: 3, delchain: 5, newrule: 6, delrule: 8 },
  ...{ newset: 9, getset: 10, delset: 11, newsetelem: 12, delsetelem: 14, newobj: 18, delobj: 20 },
} as const;
const counterObject = 1;
// NF_INET_*; NF_ACCEPT
const hookNumber = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const acceptPolicy = 1;

export interface FilterHook {
  readonly hook: keyof typeof hookNumber;
  readonly priority: number;
}

/** Tells which element a message was about at an offset that the kernel names. */
interface Sent {
  /** What the caller called this change. */
  readonly subject: number;
  /** Of the first element in the message. */
  readonly first: number;
  /** Where each element begins, or how long each is and where the first begins. */
  readonly offsets: readonly number[] | { readonly from: number; readonly each: number };
}

/** Where in the changes a fault is: the `subject` given, and which of its elements or rules, if that is known. */
export interface Place {
  readonly subject: number;
  readonly element: number | null;
}

/**
 * Messages that change one table, in order. Every method takes the caller's number of the change. To add what is there already and
 * is the same is no error, to delete what is not there is one.
 */
export class TableChanges {
  readonly #header: Uint8Array;
  readonly #table: string;
  readonly #sent: Sent[] = [];
  readonly batch: Batch;

  /** `bytes` is how long the batch will be, where that is known. */
  constructor(table: string, family: keyof typeof netfilterFamily, bytes = 0) {
    this.batch = new Batch(subsystem.nftables, bytes);
    this.#table = table;
    this.#header = netfilterHeader(netfilterFamily[family]);
  }

  addTable(subject: number): void {
    this.#message("newtable", subject, messageFlag.create);
  }

  deleteTable(subject: number): void {
    this.#message("deltable", subject);
  }

  addSet(subject: number, name: string, set: NewSet): void {
    writeSet(this.#message("newset", subject, messageFlag.create).text(2, name), set, this.#sent.length);
  }

  /** A map is a set to the kernel. */
  deleteSet(subject: number, name: string): void {
    this.#message("delset", subject).text(2, name);
  }

  /** As many messages as the elements need. */
  elements(subject: number, verb: "add" | "delete", set: string, elements: readonly SetElement[]): void {
    for (let first = 0; first < elements.length; ) {
      const offsets = writeElements(this.#elementsMessage(verb, set), elements, first);
      this.#sent.push({ subject, first, offsets });
      first += offsets.length;
    }
  }

  /** The same with elements that are nothing but a key. */
  keys(subject: number, verb: "add" | "delete", set: string, keys: Keys): void {
    const each = keyElementBytes(keys.keyBytes);
    for (let first = 0; first < keys.bytes.length / keys.keyBytes; ) {
      const message = this.#elementsMessage(verb, set);
      const from = message.length + 4;
      const count = writeKeys(message, keys, first);
      this.#sent.push({ subject, first, offsets: { from, each } });
      first += count;
    }
  }

  addCounter(subject: number, name: string): void {
    const message = this.#message("newobj", subject, messageFlag.create).text(2, name).u32be(3, counterObject);
    message.nested(4, () => message.u64be(1, 0n).u64be(2, 0n));
  }

  deleteCounter(subject: number, name: string): void {
    this.#message("delobj", subject).text(2, name).u32be(3, counterObject);
  }

  addChain(subject: number, name: string, base: FilterHook | null): void {
    const message = this.#message("newchain", subject, messageFlag.create).text(3, name);
    if (base !== null)
      message
        .text(7, "filter")
        .u32be(5, acceptPolicy)
        .nested(4, () => message.u32be(1, hookNumber[base.hook]).u32be(2, base.priority >>> 0));
  }

  deleteChain(subject: number, name: string): void {
    this.#message("delchain", subject).text(3, name);
  }

  /** To the end of the chain. `at` is the caller's number of the rule. */
  addRule(subject: number, at: number, chain: string, write: (expressions: Expressions) => void): void {
    const message = this.#begin("newrule", messageFlag.create | messageFlag.append).text(2, chain);
    message.nested(4, () => write(new Expressions(message)));
    this.#sent.push({ subject, first: at, offsets: noOffset });
  }

  flushChain(subject: number, chain: string): void {
    this.#message("delrule", subject).text(2, chain);
  }

  /** Of the message at an index; `offset` is the kernel's. */
  placeOf(index: number, offset: number | null): Place | undefined {
    const sent = this.#sent[index];
    if (sent === undefined) return undefined;
    const within = indexAt(sent.offsets, offset ?? 0);
    return { subject: sent.subject, element: within < 0 ? null : sent.first + within };
  }

  #message(type: keyof typeof kernelMessage, subject: number, flags = 0): MessageWriter {
    this.#sent.push({ subject, first: 0, offsets: [] });
    return this.#begin(type, flags);
  }

  #elementsMessage(verb: "add" | "delete", set: string): MessageWriter {
    const adds = verb === "add";
    return this.#begin(adds ? "newsetelem" : "delsetelem", adds ? messageFlag.create : 0).text(2, set);
  }

  #begin(type: keyof typeof kernelMessage, flags: number): MessageWriter {
    const message = this.batch.message(kernelType(type), messageFlag.request | flags);
    return message.raw(this.#header).text(1, this.#table);
  }
}

const noOffset = [0];

function indexAt(offsets: Sent["offsets"], offset: number): number {
  if ("each" in offsets) return Math.floor((offset - offsets.from) / offsets.each);
  return offsets.findLastIndex((start) => start <= offset);
}

/** Asks for one set, to be answered by one message: see decodeSet. */
export function setRequest(table: string, family: keyof typeof netfilterFamily, set: string): MessageWriter {
  const message = new MessageWriter(kernelType("getset"), messageFlag.request | messageFlag.ack);
  return message.raw(netfilterHeader(netfilterFamily[family])).text(1, table).text(2, set);
}

const kernelType = (type: keyof typeof kernelMessage) => netfilterType(subsystem.nftables, kernelMessage[type]);

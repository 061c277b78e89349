import { Attributes } from "./attributes.ts";
import { messageFlag } from "./message.ts";
import { MessageWriter } from "./message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterHeaderBytes, netfilterType, subsystem } from "./netfilter.ts";

// Changes of one table of nf_tables, include/uapi/linux/netfilter/nf_tables.h.
//
// setelem  => nlmsghdr nfgenmsg 1:table 2:set 3:list         NFTA_SET_ELEM_LIST_*, NFT_MSG_NEWSETELEM and DELSETELEM
//   list     => (1:element)*                                 NFTA_LIST_ELEM; as an attribute at most 65,535 bytes long
//   element  => 1:key 2:data 3:flags 6:userdata    NFTA_SET_ELEM_*; flags => u32be
//   key      => 1:value                                      NFTA_DATA_VALUE
//   data     => 2:verdict                                    NFTA_DATA_VERDICT
//   verdict  => 1:code 2:chain                               NFTA_VERDICT_*; code => i32be: 1 accept, -3 jump
//   userdata => type length value                            of nft itself (libnftnl, udata.h): type 1, flags => u32
// delrule  => nlmsghdr nfgenmsg 1:table 2:chain              all rules of a chain
// delchain => nlmsghdr nfgenmsg 1:table 3:name
// delset   => nlmsghdr nfgenmsg 1:table 2:name               of maps as well
// delobj   => nlmsghdr nfgenmsg 1:table 2:name 3:type        NFT_OBJECT_COUNTER is 1
// getset   => nlmsghdr nfgenmsg 1:table 2:name, answered by newset => ... 3:flags 4:key type, each u32be
const kernelMessage = {
  delchain: 5,
  delrule: 8,
  getset: 10,
  delset: 11,
  newsetelem: 12,
  delsetelem: 14,
  delobj: 20,
} as const;
const intervalEnd = 1;
// NFTNL_UDATA_SET_ELEM_FLAGS, four bytes: the interval has no end element, as it reaches the last value. For `nft list`.
const openInterval = Uint8Array.of(1, 4, 1, 0, 0, 0);
const counterObject = 1;
const verdictCode = { accept: 1, jump: 0xffff_fffd } as const;

// The length of an attribute is 16 bits, padding included; the longest element of ours is far below the rest.
const listBytes = 64_000;

export type ElementVerdict = { readonly verdict: "accept" } | { readonly verdict: "jump"; readonly to: string };

/** An element as the kernel stores it. */
export interface SetElement {
  readonly key: Uint8Array;
  /** For sets of intervals: where the interval that begins at `key` is over; null if it holds the last value too. */
  readonly end?: Uint8Array | null;
  /** Of maps. */
  readonly verdict?: ElementVerdict;
}

/** What the kernel knows of a set: `keyType` is nft's own number (nft's datatype.h), 6 bits for each part of a concatenation. */
export interface SetDescription {
  readonly keyType: number;
  readonly isInterval: boolean;
}

/** Tells which element a message was about at an offset that the kernel names. */
interface Sent {
  readonly message: MessageWriter;
  /** What the caller called this change. */
  readonly subject: number;
  /** Of the first element in the message. */
  readonly first: number;
  readonly offsets: readonly number[];
}

/** Where in the changes a fault is: the `subject` given, and which of its elements, if the kernel said so. */
export interface Place {
  readonly subject: number;
  readonly element: number | null;
}

/** Messages that change one table, in order. Every method takes the caller's number of the change. */
export class TableChanges {
  readonly #family: number;
  readonly #table: string;
  readonly #sent: Sent[] = [];

  constructor(table: string, family: keyof typeof netfilterFamily) {
    this.#table = table;
    this.#family = netfilterFamily[family];
  }

  get messages(): readonly MessageWriter[] {
    return this.#sent.map(({ message }) => message);
  }

  /** As many messages as the elements need. To add what is there already is no error, to delete what is not is one. */
  elements(subject: number, verb: "add" | "delete", set: string, elements: readonly SetElement[]): void {
    for (let first = 0; first < elements.length; ) {
      const adds = verb === "add";
      const message = this.#message(adds ? "newsetelem" : "delsetelem", adds ? messageFlag.create : 0).text(2, set);
      const offsets = writeList(message, elements, first);
      this.#sent.push({ message, subject, first, offsets });
      first += offsets.length;
    }
  }

  flushChain(subject: number, chain: string): void {
    this.#push(subject, this.#message("delrule").text(2, chain));
  }

  deleteChain(subject: number, chain: string): void {
    this.#push(subject, this.#message("delchain").text(3, chain));
  }

  deleteSet(subject: number, set: string): void {
    this.#push(subject, this.#message("delset").text(2, set));
  }

  deleteCounter(subject: number, counter: string): void {
    this.#push(subject, this.#message("delobj").text(2, counter).u32be(3, counterObject));
  }

  /** Of the message at an index; `offset` is the kernel's. */
  placeOf(index: number, offset: number | null): Place | undefined {
    const sent = this.#sent[index];
    if (sent === undefined) return undefined;
    const within = offset === null ? -1 : sent.offsets.findLastIndex((start) => start <= offset);
    return { subject: sent.subject, element: within < 0 ? null : sent.first + within };
  }

  #message(type: keyof typeof kernelMessage, flags = 0): MessageWriter {
    return new MessageWriter(netfilterType(subsystem.nftables, kernelMessage[type]), messageFlag.request | flags)
      .raw(netfilterHeader(this.#family))
      .text(1, this.#table);
  }

  #push(subject: number, message: MessageWriter): void {
    this.#sent.push({ message, subject, first: 0, offsets: [] });
  }
}

/** Asks for one set, to be answered by one message. */
export function setRequest(table: string, family: keyof typeof netfilterFamily, set: string): MessageWriter {
  const flags = messageFlag.request | messageFlag.ack;
  return new MessageWriter(netfilterType(subsystem.nftables, kernelMessage.getset), flags)
    .raw(netfilterHeader(netfilterFamily[family]))
    .text(1, table)
    .text(2, set);
}

export function decodeSet(bytes: Buffer, framed: { readonly start: number; readonly end: number }): SetDescription {
  const a = new Attributes("nftables set", bytes, framed.start + netfilterHeaderBytes, framed.end);
  let [flags, keyType] = [0, 0];
  while (a.next())
    if (a.type === 3) flags = a.u32be();
    else if (a.type === 4) keyType = a.u32be();
  a.finish();
  return { keyType, isInterval: (flags & 0x4) !== 0 };
}

/** Writes elements from `first` until they are all written or the list is full; where each begins. */
function writeList(message: MessageWriter, elements: readonly SetElement[], first: number): readonly number[] {
  const offsets: number[] = [];
  message.nested(3, () => {
    const limit = message.length + listBytes;
    for (let at = first; at < elements.length && message.length < limit; at++) {
      offsets.push(message.length);
      writeElement(message, elements[at] as SetElement);
    }
  });
  return offsets;
}

function writeElement(message: MessageWriter, { key, end, verdict }: SetElement): void {
  message.nested(1, () => {
    message.nested(1, () => message.value(1, key));
    if (verdict !== undefined) writeVerdict(message, verdict);
    if (end === null) message.value(6, openInterval);
  });
  if (end)
    message.nested(1, () => {
      message.u32be(3, intervalEnd);
      message.nested(1, () => message.value(1, end));
    });
}

function writeVerdict(message: MessageWriter, verdict: ElementVerdict): void {
  message.nested(2, () =>
    message.nested(2, () => {
      message.u32be(1, verdictCode[verdict.verdict]);
      if (verdict.verdict === "jump") message.text(2, verdict.to);
    }),
  );
}

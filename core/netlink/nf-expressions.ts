import type { MessageWriter } from "./message-writer.ts";

// What a rule of nf_tables is made of, include/uapi/linux/netfilter/nf_tables.h. Registers hold what one expression loads and the
// next one looks at.
//
// expressions => (1:expression)*                NFTA_LIST_ELEM
// expression  => 1:name 2:data                  NFTA_EXPR_*; data => the attributes of the expression, as below
//   meta      => 1:register 2:key               numbers are u32be, if nothing else is said
//   ct        => 1:register 2:key 4:source
//   fib       => 1:register 2:result 3:flags
//   payload   => 1:register 2:base 3:offset 4:length
//   cmp       => 1:register 2:operator 3:value
//   range     => 1:register 2:operator 3:value 4:value
//   bitwise   => 1:register 2:register 3:length 4:value 5:value        register = (register & first) ^ second
//   lookup    => 1:set 2:register 3:result 5:flags
//   immediate => 1:register 2:value
//   log       => 1:group 2:prefix 3:snaplen     group => u16be
//   objref    => 1:type 2:name                  NFT_OBJECT_COUNTER is 1
//   reject    => 1:type 2:code                  code => u8
//   dynset    => 1:set 3:operation 4:register 7:expression        of the expression each element has its own
//   limit     => 1:rate 2:unit 3:burst 4:type 5:flags             rate and unit => u64be, unit in seconds
//   value     => 1:bytes | 2:verdict            NFTA_DATA_VALUE, NFTA_DATA_VERDICT
//   verdict   => 1:code 2:chain

const metaKey = { iifname: 6, oifname: 7, family: 15, protocol: 16 } as const;
const conntrackKey = { state: 0, label: 13 } as const;
const payloadBase = { network: 1, transport: 2 } as const;
const operator = { is: 0, isNot: 1, atMost: 3, atLeast: 5 } as const;
// NF_ACCEPT, NF_DROP, NFT_RETURN, NFT_JUMP
const verdictCode = { accept: 1, drop: 0, return: 0xffff_fffb, jump: 0xffff_fffd } as const;
// NFT_REJECT_TCP_RST, NFT_REJECT_ICMPX_UNREACH with NFT_REJECT_ICMPX_ADMIN_PROHIBITED
const rejection = { "tcp-reset": { type: 1, code: 0 }, "admin-prohibited": { type: 2, code: 3 } } as const;
const counterObject = 1;
const addressTypeResult = 3;
const inverted = 1;
// NFT_DYNSET_OP_UPDATE, NFT_LIMIT_PKTS, NFT_LIMIT_F_INV
const updating = 1;
const ofPackets = 0;
const over = 1;
const verdictRegister = 0;

export type Verdict =
  | { readonly verdict: "accept" | "drop" | "return" }
  | { readonly verdict: "jump"; readonly to: string };

/** `offset` counts bytes of registers in use before this one; the first is 0. */
function registerAt(offset: number): number {
  return offset % 16 === 0 ? 1 + offset / 16 : 8 + offset / 4;
}

/** Writes expressions, one after the other. What they load begins at `offset` of the registers, what they look at at the first. */
export class Expressions {
  readonly #message: MessageWriter;

  constructor(message: MessageWriter) {
    this.#message = message;
  }

  meta(key: keyof typeof metaKey, offset = 0): void {
    this.#write("meta", (m) => m.u32be(2, metaKey[key]).u32be(1, registerAt(offset)));
  }

  conntrack(key: keyof typeof conntrackKey): void {
    this.#write("ct", (m) => m.u32be(2, conntrackKey[key]).u32be(1, registerAt(0)));
  }

  /** Whose address the source or the destination is (RTN_* of linux/rtnetlink.h). */
  addressType(of: "source" | "destination"): void {
    const flags = of === "source" ? 1 : 2;
    this.#write("fib", (m) => m.u32be(3, flags).u32be(2, addressTypeResult).u32be(1, registerAt(0)));
  }

  payload(base: keyof typeof payloadBase, at: number, length: number, offset = 0): void {
    this.#write("payload", (m) =>
      m.u32be(1, registerAt(offset)).u32be(2, payloadBase[base]).u32be(3, at).u32be(4, length),
    );
  }

  compare(how: keyof typeof operator, value: Uint8Array): void {
    this.#write("cmp", (m) =>
      m
        .u32be(1, registerAt(0))
        .u32be(2, operator[how])
        .nested(3, () => m.value(1, value)),
    );
  }

  outside(from: Uint8Array, to: Uint8Array): void {
    this.#write("range", (m) =>
      m
        .u32be(1, registerAt(0))
        .u32be(2, operator.isNot)
        .nested(3, () => m.value(1, from))
        .nested(4, () => m.value(1, to)),
    );
  }

  /** True if one of these bits is set. */
  anyOf(bits: Uint8Array): void {
    this.mask(bits);
    this.compare("isNot", new Uint8Array(bits.length));
  }

  /** Leaves no other bits than these. */
  mask(bits: Uint8Array): void {
    const zero = new Uint8Array(bits.length);
    this.#write("bitwise", (m) =>
      m
        .u32be(1, registerAt(0))
        .u32be(2, registerAt(0))
        .u32be(3, bits.length)
        .nested(4, () => m.value(1, bits))
        .nested(5, () => m.value(1, zero)),
    );
  }

  isIn(set: string, not: boolean): void {
    this.#write("lookup", (m) => {
      m.u32be(2, registerAt(0)).text(1, set);
      if (not) m.u32be(5, inverted);
    });
  }

  /** Goes where the map says. */
  dispatch(map: string): void {
    this.#write("lookup", (m) => m.u32be(2, registerAt(0)).u32be(3, verdictRegister).text(1, map));
  }

  constant(value: Uint8Array): void {
    this.#write("immediate", (m) => m.u32be(1, registerAt(0)).nested(2, () => m.value(1, value)));
  }

  /** True if what is loaded has come more often, since it is an element of the set: which it becomes, unless that is full. */
  overLimit(set: string, perSecond: number, burst: number): void {
    this.#write("dynset", (m) =>
      m
        .u32be(4, registerAt(0))
        .u32be(3, updating)
        .text(1, set)
        .nested(7, () => writeLimit(m, perSecond, burst)),
    );
  }

  /** Sets bits of the connection's label, 128 of them. */
  label(bits: Uint8Array): void {
    this.constant(bits);
    this.#write("ct", (m) => m.u32be(2, conntrackKey.label).u32be(4, registerAt(0)));
  }

  log(prefix: string, group: number, snaplen: number): void {
    this.#write("log", (m) => m.text(2, prefix).u16be(1, group).u32be(3, snaplen));
  }

  count(counter: string): void {
    this.#write("objref", (m) => m.u32be(1, counterObject).text(2, counter));
  }

  notrack(): void {
    this.#message.nested(1, (m) => m.text(1, "notrack"));
  }

  reject(how: keyof typeof rejection): void {
    const { type, code } = rejection[how];
    this.#write("reject", (m) => m.u32be(1, type).u8(2, code));
  }

  verdict(verdict: Verdict): void {
    this.#write("immediate", (m) => m.u32be(1, verdictRegister).nested(2, () => writeVerdict(m, verdict)));
  }

  #write(name: string, data: (message: MessageWriter) => void): void {
    this.#message.nested(1, (m) => m.text(1, name).nested(2, data));
  }
}

function writeLimit(message: MessageWriter, perSecond: number, burst: number): void {
  message
    .text(1, "limit")
    .nested(2, () =>
      message.u64be(1, BigInt(perSecond)).u64be(2, 1n).u32be(4, ofPackets).u32be(5, over).u32be(3, burst),
    );
}

export function writeVerdict(message: MessageWriter, verdict: Verdict): void {
  message.nested(2, () => {
    message.u32be(1, verdictCode[verdict.verdict]);
    if (verdict.verdict === "jump") message.text(2, verdict.to);
  });
}

// Rules as the kernel stores them, in the same expressions that nft makes of the text of text.ts. Every value is a number, a checked
// name, or a RuleId.
import { SluiceError } from "../core/errors.ts";
import type { Expressions } from "../core/netlink/nf-expressions.ts";
import { type RuleId, ruleIdToBytes, tryParseRuleId } from "../core/rule-id.ts";
import type { Direction } from "../policy/program.ts";
import { isInterfaceName } from "./element.ts";
import { prefixOf } from "./element-key.ts";
import {
  type AddressField,
  type Condition,
  type Field,
  type NumberField,
  nameOf,
  type Rule,
  type Statement,
} from "./ruleset.ts";
import { prefixText, settledBits } from "./text.ts";

/** Where a field is in a packet, and of which family only packets have it. */
type Place =
  | { readonly from: "meta"; readonly key: "iifname" | "oifname" | "protocol"; readonly bytes: number }
  | { readonly from: "network"; readonly family: 4 | 6; readonly at: number; readonly bytes: number }
  | { readonly from: "transport"; readonly at: number; readonly bytes: number };

// RFC 791, 3.1; RFC 8200, 3; ports and ICMP type and code begin the transport header.
const networkPlaces = {
  saddr4: { from: "network", family: 4, at: 12, bytes: 4 },
  daddr4: { from: "network", family: 4, at: 16, bytes: 4 },
  saddr6: { from: "network", family: 6, at: 8, bytes: 16 },
  daddr6: { from: "network", family: 6, at: 24, bytes: 16 },
} as const satisfies Record<AddressField, Place>;
const places: Readonly<Record<Field, Place>> = {
  ...networkPlaces,
  iifname: { from: "meta", key: "iifname", bytes: 16 },
  oifname: { from: "meta", key: "oifname", bytes: 16 },
  protocol: { from: "meta", key: "protocol", bytes: 1 },
  hoplimit6: { from: "network", family: 6, at: 7, bytes: 1 },
  sport: { from: "transport", at: 0, bytes: 2 },
  dport: { from: "transport", at: 2, bytes: 2 },
  icmpType: { from: "transport", at: 0, bytes: 1 },
  icmpTypeAndCode: { from: "transport", at: 0, bytes: 2 },
};

// NFPROTO_IPV4, NFPROTO_IPV6 (linux/netfilter.h); RTN_LOCAL (linux/rtnetlink.h); IPPROTO_TCP
const familyByte = { 4: Uint8Array.of(2), 6: Uint8Array.of(10) } as const;
const localType = word(2);
const tcp = 6;
// Bits of `ct state`: 1 << ctinfo + 1, invalid 1, untracked 1 << 6 (nf_conntrack_common.h, NF_CT_STATE_BIT)
const stateBits = { invalid: 1, established: 2 | 4, related: 4, untracked: 64 } as const;
const labelBytes = 16;
const markBytes = 4;

export function writeRule(expressions: Expressions, rule: Rule): void {
  const writer = new RuleWriter(expressions);
  for (const condition of rule.when) writer.condition(condition);
  for (const statement of rule.statements) writer.statement(statement);
}

class RuleWriter {
  readonly #to: Expressions;
  /** What conditions so far have made sure of. */
  #family: 4 | 6 | undefined;
  #protocol: number | undefined;

  constructor(to: Expressions) {
    this.#to = to;
  }

  condition(condition: Condition): void {
    switch (condition.if) {
      case "family":
        this.#demandFamily(condition.is, true);
        break;
      case "number":
        this.#number(condition);
        break;
      case "member":
        this.#load(condition.key);
        this.#to.isIn(nameOf(condition.set), condition.not);
        break;
      case "network":
        this.#network(condition);
        break;
      case "interface":
        this.#load([condition.field]);
        this.#to.compare("is", interfaceBytes(condition.name, condition.prefix));
        break;
      case "connection":
        this.#to.conntrack("state");
        this.#to.anyOf(word(stateBits[condition.state]));
        break;
      case "settled":
        this.#to.conntrack("label");
        this.#to.anyOf(bitmask([settledBits[condition.in]]));
        break;
      case "localSource":
        this.#to.addressType("source");
        this.#to.compare(condition.not ? "isNot" : "is", localType);
        break;
      case "localDestination":
        this.#to.addressType("destination");
        this.#to.compare("is", localType);
        break;
      case "overLimit":
        this.#overLimit(condition);
        break;
    }
  }

  statement(statement: Statement): void {
    switch (statement.do) {
      case "log":
        this.#to.log(prefixText(statement.prefix), statement.group, statement.snaplen);
        break;
      case "count":
        this.#to.count(nameOf(statement.counter));
        break;
      case "label":
        this.#to.label(labelMask(statement.rule, statement.direction));
        break;
      case "settle":
        this.#to.label(bitmask([settledBits[statement.in]]));
        break;
      case "notrack":
        this.#to.notrack();
        break;
      case "dispatch":
        this.#load(statement.key);
        this.#to.dispatch(nameOf(statement.map));
        break;
      case "jump":
        this.#to.verdict({ verdict: "jump", to: nameOf(statement.to) });
        break;
      case "reject":
        this.#reject(statement.with);
        break;
      case "accept":
      case "drop":
      case "return":
        this.#to.verdict({ verdict: statement.do });
        break;
    }
  }

  /** A reset answers TCP only. */
  #reject(how: "tcp-reset" | "admin-prohibited"): void {
    if (how === "tcp-reset" && this.#protocol !== tcp) {
      this.#to.meta("protocol");
      this.#to.compare("is", Uint8Array.of(tcp));
    }
    this.#to.reject(how);
  }

  #overLimit({ set, of, source, perSecond, burst }: Extract<Condition, { readonly if: "overLimit" }>): void {
    const place = places[source];
    if (place.from === "network") this.#demandFamily(place.family, false);
    this.#to.constant(longWord(of));
    this.#loadAt(place, markBytes);
    this.#to.overLimit(nameOf(set), perSecond, burst);
  }

  #number({ field, from, to, not }: Extract<Condition, { readonly if: "number" }>): void {
    this.#load([field]);
    const [first, last] = [numberBytes(field, from), numberBytes(field, to)];
    if (from === to) this.#to.compare(not ? "isNot" : "is", first);
    else if (not) this.#to.outside(first, last);
    else {
      this.#to.compare("atLeast", first);
      this.#to.compare("atMost", last);
    }
    if (field === "protocol" && from === to && !not) this.#protocol = from;
  }

  /** Of a prefix that ends with a byte nft looks at no more than that. */
  #network({ field, network }: Extract<Condition, { readonly if: "network" }>): void {
    const { family, at, bytes } = networkPlaces[field];
    const { first, bits } = prefixOf(network, family === 4 ? "ipv4_addr" : "ipv6_addr");
    const length = bits % 8 === 0 ? bits / 8 : bytes;
    this.#demandFamily(family, false);
    this.#to.payload("network", at, length);
    if (length * 8 > bits) this.#to.mask(first.map((_, index) => 0xff00 >> Math.min(8, Math.max(0, bits - 8 * index))));
    this.#to.compare("is", first.subarray(0, length));
  }

  /** Loads the fields one behind the other, each at a multiple of four bytes. */
  #load(fields: readonly Field[]): void {
    for (const field of fields) {
      const place = places[field];
      if (place.from === "network") this.#demandFamily(place.family, false);
    }
    let offset = 0;
    for (const field of fields) {
      const place = places[field];
      this.#loadAt(place, offset);
      offset += (place.bytes + 3) & ~3;
    }
  }

  #loadAt(place: Place, offset: number): void {
    if (place.from === "meta") this.#to.meta(place.key, offset);
    else this.#to.payload(place.from, place.at, place.bytes, offset);
  }

  #demandFamily(family: 4 | 6, always: boolean): void {
    if (!always && this.#family === family) return;
    this.#family = family;
    this.#to.meta("family");
    this.#to.compare("is", familyByte[family]);
  }
}

function numberBytes(field: NumberField, value: number): Uint8Array {
  const { bytes } = places[field];
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * bytes))
    throw new SluiceError("NFT_FAILED", `${value} is no ${field}`);
  return bytes === 1 ? Uint8Array.of(value) : Uint8Array.of(value >> 8, value & 0xff);
}

/** A whole name with its padding, or only how it begins. */
function interfaceBytes(name: string, prefix: boolean): Uint8Array {
  if (!isInterfaceName(name)) throw new SluiceError("NFT_FAILED", "an interface name holds what nft may not see");
  return prefix ? Buffer.from(name) : Buffer.concat([Buffer.from(name)], places.iifname.bytes);
}

/** In the machine's byte order; both machines that Sluice runs on are little-endian. */
function word(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8, 0, 0);
}

/** The kernel keeps a label as two words in the machine's byte order: rule-id.ts, rulesOfLabel. */
function labelMask(rule: RuleId, direction: Direction): Uint8Array {
  const id = tryParseRuleId(rule);
  if (id === undefined) throw new SluiceError("NFT_FAILED", "a label names no rule");
  const mask = new Uint8Array(labelBytes);
  mask.set(ruleIdToBytes(id).reverse(), direction === "egress" ? 0 : 8);
  return mask;
}

/** A number of 32 bits in that order. */
function longWord(value: number): Uint8Array {
  const bytes = Buffer.alloc(markBytes);
  bytes.writeUInt32LE(value);
  return bytes;
}

function bitmask(bits: readonly number[]): Uint8Array {
  const mask = new Uint8Array(labelBytes);
  for (const bit of bits) mask[bit >> 3] = (mask[bit >> 3] as number) | (1 << (bit & 7));
  return mask;
}

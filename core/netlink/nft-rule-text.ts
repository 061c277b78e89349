import { addressFromBytes } from "../address.ts";
import { Attributes } from "./attributes.ts";

// A rule as the kernel keeps it, back to words. include/uapi/linux/netfilter/nf_tables.h
//
// expressions => (NFTA_LIST_ELEM 1 expression)*      expression => NFTA_EXPR_NAME 1 text, NFTA_EXPR_DATA 2 attributes
// Those that load a register (payload, meta, ct) are followed by the one that looks at it (cmp, range, lookup); a concatenation loads
// several. Those that are not known here are told by their names.

const [networkHeader, transportHeader] = [1, 2];

type Format = "address4" | "address6" | "number" | "name" | "family" | "protocol" | "state" | "hex";

interface Load {
  readonly text: string;
  readonly format: Format;
  readonly mask: Uint8Array | null;
}

/** enum nft_meta_keys */
const metaKeys: ReadonlyMap<number, readonly [text: string, format: Format]> = new Map([
  [3, ["meta mark", "hex"]],
  [4, ["iif", "hex"]],
  [5, ["oif", "hex"]],
  [6, ["iifname", "name"]],
  [7, ["oifname", "name"]],
  [15, ["meta nfproto", "family"]],
  [16, ["meta l4proto", "protocol"]],
]);
/** enum nft_ct_keys */
const ctKeys: ReadonlyMap<number, readonly [text: string, format: Format]> = new Map([
  [0, ["ct state", "state"]],
  [2, ["ct status", "hex"]],
  [3, ["ct mark", "hex"]],
  [10, ["ct label", "hex"]],
]);
/** enum nft_cmp_ops */
const operators = ["", "!= ", "< ", "<= ", "> ", ">= "] as const;
const families: Readonly<Record<number, string>> = { 2: "ipv4", 10: "ipv6" };
const protocols: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp" };
/** Bits of `ct state`, NF_CT_STATE_BIT of include/uapi/linux/netfilter/nf_conntrack_common.h */
const states = ["invalid", "established", "related", "new", "", "", "untracked"] as const;
const verdicts: Readonly<Record<number, string>> = {
  0: "drop",
  1: "accept",
  [-1]: "continue",
  [-3]: "jump",
  [-4]: "goto",
  [-5]: "return",
};

/** A verdict as nft writes it: `jump class_0123`. */
export function verdictText(code: number, chain: string | null): string {
  const word = verdicts[code] ?? `verdict ${code}`;
  return chain === null ? word : `${word} ${chain}`;
}

/** Nearly as nft writes it: `ip saddr 10.0.0.0/8 accept`. Throws DECODE_FAILED. */
export function ruleTextOf(expressions: Uint8Array): string {
  const list = new Attributes("nftables", expressions);
  const writer = new RuleWords();
  while (list.next()) if (list.type === 1) writer.take(list.nested());
  list.finish();
  return writer.text;
}

class RuleWords {
  readonly #words: string[] = [];
  #loads: Load[] = [];
  /** Of packets of which family the rest of the rule speaks. */
  #family: 4 | 6 | undefined;

  get text(): string {
    return this.#words.join(" ");
  }

  take(expression: Attributes): void {
    let name = "";
    while (expression.next())
      if (expression.type === 1) name = expression.text();
      else if (expression.type === 2) this.#read(name, fieldsOf(expression.nested()));
  }

  #read(name: string, fields: Fields): void {
    switch (name) {
      case "payload":
        if (fields.has(5)) this.#say("payload set");
        else this.#payload(fields.number(2), fields.number(3), fields.number(4));
        break;
      case "meta":
        this.#keyed("meta", metaKeys.get(fields.number(2)), fields.has(3));
        break;
      case "ct":
        this.#keyed("ct", ctKeys.get(fields.number(2)), fields.has(4));
        break;
      case "bitwise":
        this.#mask(fields.value(4));
        break;
      case "cmp":
        this.#compare(fields.number(2), fields.value(3));
        break;
      case "range":
        this.#range(fields.number(2) === 1, fields.value(3), fields.value(4));
        break;
      case "lookup": {
        const how = fields.has(3) ? "vmap " : (fields.number(5) & 1) === 1 ? "!= " : "";
        this.#look(`${how}@${fields.text(1)}`);
        break;
      }
      case "dynset":
        this.#look(`update @${fields.text(1)}`);
        break;
      case "immediate":
        if (fields.verdict !== undefined) this.#say(fields.verdict);
        break;
      case "log":
        this.#say(fields.has(2) ? `log prefix ${JSON.stringify(fields.text(2))}` : "log");
        break;
      case "objref":
        this.#say(fields.has(2) ? `counter name ${fields.text(2)}` : "[objref]");
        break;
      case "counter":
      case "notrack":
      case "reject":
      case "masq":
        this.#say(name);
        break;
      default:
        this.#say(`[${name}]`);
    }
  }

  #say(word: string): void {
    this.#words.push(word);
  }

  #keyed(family: string, key: readonly [text: string, format: Format] | undefined, isWritten: boolean): void {
    const [text, format] = key ?? [`${family} ?`, "hex" as const];
    if (isWritten) this.#say(`${text} set`);
    else this.#loads.push({ text, format, mask: null });
  }

  #payload(base: number, offset: number, length: number): void {
    const load = base === networkHeader ? networkLoad(this.#family, offset, length) : undefined;
    // That the family was asked for before goes without saying, as in nft's own words.
    if (load !== undefined && this.#words.at(-1)?.startsWith("meta nfproto ")) this.#words.pop();
    this.#loads.push(load ?? payloadLoad(base, offset, length));
  }

  #mask(mask: Uint8Array): void {
    const last = this.#loads.pop();
    if (last !== undefined) this.#loads.push({ ...last, mask });
  }

  #look(what: string): void {
    this.#say(`${this.#loads.map(({ text }) => text).join(" . ")} ${what}`.trimStart());
    this.#loads = [];
  }

  #compare(operator: number, value: Uint8Array): void {
    const [load] = this.#loads;
    const sign = operators[operator] ?? "? ";
    if (load?.format === "family" && operator === 0) this.#family = value[0] === 10 ? 6 : 4;
    // `ct state new` is: of these bits, not none.
    if (load?.format === "state" && load.mask !== null)
      this.#look(`${operator === 0 ? "!= " : ""}${stateText(load.mask)}`);
    else if (load === undefined || this.#loads.length > 1) this.#look(`${sign}${hex(value)}`);
    else this.#look(`${sign}${valueText(load, value)}`);
  }

  #range(not: boolean, from: Uint8Array, to: Uint8Array): void {
    const load = this.#loads[0] ?? { text: "", format: "hex", mask: null };
    this.#look(`${not ? "!= " : ""}${valueText(load, from)}-${valueText(load, to)}`);
  }
}

/** RFC 791, 3.1; RFC 8200, 3. Of an address, nft loads no more bytes than a prefix needs. */
function networkLoad(family: 4 | 6 | undefined, offset: number, length: number): Load | undefined {
  const whole = family === 6 ? 16 : 4;
  const [source, destination] = family === 6 ? [8, 24] : [12, 16];
  const ip = family === 6 ? "ip6" : "ip";
  if (offset === (family === 6 ? 6 : 9) && length === 1)
    return { text: `${ip} protocol`, format: "protocol", mask: null };
  if (length > whole || (offset !== source && offset !== destination)) return undefined;
  const mask = length === whole ? null : Uint8Array.from({ length: whole }, (_, at) => (at < length ? 255 : 0));
  const text = `${ip} ${offset === source ? "saddr" : "daddr"}`;
  return { text, format: family === 6 ? "address6" : "address4", mask };
}

/** Ports begin the transport header. */
function payloadLoad(base: number, offset: number, length: number): Load {
  const at = `${base} ${offset} ${length}`;
  const [text, format] = fields[at] ?? [`@${headers[base] ?? "?"},${offset * 8},${length * 8}`, "hex" as const];
  return { text, format, mask: null };
}

const headers: Readonly<Record<number, string>> = { 0: "ll", [networkHeader]: "nh", [transportHeader]: "th" };
const fields: Readonly<Record<string, readonly [text: string, format: Format]>> = {
  [`${transportHeader} 0 2`]: ["th sport", "number"],
  [`${transportHeader} 2 2`]: ["th dport", "number"],
};

function valueText({ format, mask }: Load, value: Uint8Array): string {
  const length = mask === null ? null : prefixLength(mask);
  const suffix = mask === null ? "" : length === null ? ` & ${hex(mask)}` : `/${length}`;
  return `${plainText(format, value)}${suffix}`;
}

function plainText(format: Format, value: Uint8Array): string {
  const number = value.reduce((sum, byte) => sum * 256 + byte, 0);
  switch (format) {
    case "address4":
    case "address6": {
      const length = format === "address4" ? 4 : 16;
      const whole = Uint8Array.from({ length }, (_, at) => value[at] ?? 0);
      return value.length > length ? hex(value) : addressFromBytes(whole, 0, length);
    }
    case "name": {
      const end = value.indexOf(0);
      const name = Buffer.from(end < 0 ? value : value.subarray(0, end)).toString("latin1");
      return JSON.stringify(end < 0 && value.length < 16 ? `${name}*` : name);
    }
    case "family":
      return families[number] ?? String(number);
    case "protocol":
      return protocols[number] ?? String(number);
    case "number":
      return String(number);
    case "state":
    case "hex":
      return hex(value);
  }
}

/** In the machine's byte order. */
function stateText(mask: Uint8Array): string {
  const bits = mask[0] ?? 0;
  return states.filter((name, bit) => name !== "" && (bits >> bit) & 1).join(",") || hex(mask);
}

/** Of a mask of ones and then zeros. */
function prefixLength(mask: Uint8Array): number | null {
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? bits.lastIndexOf("1") + 1 : null;
}

const hex = (value: Uint8Array) => `0x${Buffer.from(value).toString("hex")}`;

/** The attributes of an expression, by number. */
interface Fields {
  has(type: number): boolean;
  number(type: number): number;
  text(type: number): string;
  /** Of `data`, the value in it. */
  value(type: number): Uint8Array;
  readonly verdict: string | undefined;
}

function fieldsOf(a: Attributes): Fields {
  const known = new Map<number, Uint8Array>();
  while (a.next()) known.set(a.type, a.bytes.subarray(a.start, a.start + a.length));
  const bytes = (type: number) => known.get(type) ?? new Uint8Array();
  const inner = (type: number) => new Attributes("nftables", bytes(type));
  return {
    has: (type) => known.has(type),
    number: (type) => bytes(type).reduce((sum, byte) => sum * 256 + byte, 0),
    text: (type) => Buffer.from(bytes(type)).toString().replace(/\0.*$/s, ""),
    value: (type) => {
      const data = inner(type);
      while (data.next()) if (data.type === 1) return data.bytes.subarray(data.start, data.start + data.length);
      return new Uint8Array();
    },
    get verdict() {
      const data = inner(2);
      while (data.next()) if (data.type === 2) return verdictOf(data.nested());
      return undefined;
    },
  };
}

function verdictOf(a: Attributes): string {
  let [code, chain]: [number, string | null] = [0, null];
  while (a.next())
    if (a.type === 1) code = a.u32be() | 0;
    else if (a.type === 2) chain = a.text();
  return verdictText(code, chain);
}

import { SluiceError } from "./errors.ts";

/**
 * Names one rule by its content: 63 bits, never zero, as 16 hexadecimal digits. Independent of the program it stands in.
 * It fits into half a conntrack label, where the accepting rule leaves it: bits 0-63 egress, 64-127 ingress.
 */
export type RuleId = string & { readonly __ruleId: never };

const pattern = /^[0-7][0-9a-f]{15}$/;
const mask = 2n ** 63n - 1n;

export function parseRuleId(text: string): RuleId {
  const id = tryParseRuleId(text);
  if (id === undefined) throw new SluiceError("DECODE_FAILED", `"${text.slice(0, 40)}" is no rule id`);
  return id;
}

export function tryParseRuleId(text: string): RuleId | undefined {
  return pattern.test(text) && text !== "0000000000000000" ? (text as RuleId) : undefined;
}

/** The id made of a hash: its first eight bytes without the first bit. Any eight bytes give an id. */
export function ruleIdOf(hash: Uint8Array): RuleId {
  return textOf(wordAt(hash, 0) & mask || 1n);
}

/** The reverse of `ruleIdToBytes`. Throws DECODE_FAILED for bytes that are no id. */
export function ruleIdFromBytes(bytes: Uint8Array): RuleId {
  return parseRuleId(textOf(wordAt(bytes, 0)));
}

/** Big-endian bytes of an id. */
export function ruleIdToBytes(id: RuleId): Buffer {
  return Buffer.from(id, "hex");
}

/** Numbers of the bits that are set, lowest first: what `ct label set` wants. */
export function bitsOf(id: RuleId): readonly number[] {
  const value = BigInt(`0x${id}`);
  return Array.from({ length: 63 }, (_, bit) => bit).filter((bit) => (value >> BigInt(bit)) & 1n);
}

/** The ids that a conntrack label carries; null where no rule has left one. */
export interface LabelRules {
  readonly egress: RuleId | null;
  readonly ingress: RuleId | null;
}

/**
 * The ids in the 16 bytes of CTA_LABELS. The kernel keeps labels as two native words (net/netfilter/nf_conntrack_labels.c),
 * so bit n is found in the machine's own byte order; both machines we run on are little-endian. Bits 63 and 127 are none
 * of ours. Throws DECODE_FAILED for fewer bytes.
 */
export function rulesOfLabel(bytes: Uint8Array, offset = 0): LabelRules {
  return { egress: halfOf(bytes, offset), ingress: halfOf(bytes, offset + 8) };
}

function halfOf(label: Uint8Array, offset: number): RuleId | null {
  const value = wordAt(label, offset, true) & mask;
  return value === 0n ? null : textOf(value);
}

function wordAt(bytes: Uint8Array, offset: number, littleEndian = false): bigint {
  if (offset < 0 || offset + 8 > bytes.length)
    throw new SluiceError("DECODE_FAILED", `a word of 8 bytes does not fit at ${offset} of ${bytes.length} bytes`);
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 8).getBigUint64(0, littleEndian);
}

function textOf(value: bigint): RuleId {
  return value.toString(16).padStart(16, "0") as RuleId;
}

import { SluiceError } from "./errors.ts";

/**
 * Names one rule by its content: 63 bits, never zero, as 16 hexadecimal digits. Independent of the program it stands in.
 * It fits into half a conntrack label, where the accepting rule leaves it: bits 0-63 egress, 64-127 ingress.
 */
export type RuleId = string & { readonly __ruleId: never };

const pattern = /^[0-7][0-9a-f]{15}$/;

export function parseRuleId(text: string): RuleId {
  const id = tryParseRuleId(text);
  if (id === undefined) throw new SluiceError("DECODE_FAILED", `"${text.slice(0, 40)}" is no rule id`);
  return id;
}

export function tryParseRuleId(text: string): RuleId | undefined {
  return pattern.test(text) && text !== "0000000000000000" ? (text as RuleId) : undefined;
}

/** The id of eight bytes, of which the first bit is ignored. */
export function ruleIdOf(bytes: Uint8Array): RuleId {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const value = view.getBigUint64(0) & 0x7fff_ffff_ffff_ffffn;
  return (value === 0n ? 1n : value).toString(16).padStart(16, "0") as RuleId;
}

/** Big-endian bytes of an id. */
export function ruleIdToBytes(id: RuleId): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(`0x${id}`));
  return bytes;
}

/** Numbers of the bits that are set, lowest first: what `ct label set` wants. */
export function bitsOf(id: RuleId): readonly number[] {
  const value = BigInt(`0x${id}`);
  return Array.from({ length: 63 }, (_, bit) => bit).filter((bit) => (value >> BigInt(bit)) & 1n);
}

export interface LabelRules {
  readonly egress: RuleId | null;
  readonly ingress: RuleId | null;
}

/**
 * The ids in the 16 bytes of CTA_LABELS. The kernel keeps labels as two native words (net/netfilter/nf_conntrack_labels.c),
 * so bit n is found in the machine's own byte order; both machines we run on are little-endian.
 */
export function rulesOfLabel(bytes: Uint8Array, offset = 0): LabelRules {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 16);
  const half = (at: number) => {
    const value = view.getBigUint64(at, true) & 0x7fff_ffff_ffff_ffffn;
    return value === 0n ? null : (value.toString(16).padStart(16, "0") as RuleId);
  };
  return { egress: half(0), ingress: half(8) };
}

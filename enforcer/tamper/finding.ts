/** Something on the node that makes our rules mean less than they say. It is reported, not repaired: it is not ours. */
export interface Finding {
  readonly kind: "notrack" | "early-drop" | "drop" | "offload" | "bypass" | "rewrite" | "sysctl";
  readonly sentence: string;
  /** `ip raw`; null if it is about no rule. */
  readonly table: string | null;
  readonly chain: string | null;
  /** In nft's words, or nearly. */
  readonly rule: string | null;
}

/** `table ip raw, chain pre: takes packets out of connection tracking: ... (udp dport 53 notrack)` */
export function findingText({ sentence, table, chain, rule }: Finding): string {
  if (table === null) return sentence;
  return `table ${table}, chain ${chain}: ${sentence}${rule === null ? "" : ` (${rule})`}`;
}

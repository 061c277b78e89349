import { type LabelRules, rulesOfLabel } from "../rule-id.ts";

// Pairs of rules that allow connections on one node; beyond this it starts afresh.
const most = 16_384;

interface Known {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly rules: LabelRules;
}

/** Rule ids of labels already seen: connections are many, pairs of rules few. */
export class LabelCache {
  readonly #known = new Map<number, Known>();

  /** The rules in the 16 bytes at `start`. */
  rulesAt(view: DataView, bytes: Uint8Array, start: number): LabelRules {
    const a = view.getUint32(start, true);
    const b = view.getUint32(start + 4, true);
    const c = view.getUint32(start + 8, true);
    const d = view.getUint32(start + 12, true);
    // Rule ids are hashes, so that their low words tell almost all pairs apart; an equal key is compared in full.
    const key = ((a ^ c) >>> 0) + (b ^ d) * 0x1_0000_0000;
    const known = this.#known.get(key);
    if (known?.a === a && known.b === b && known.c === c && known.d === d) return known.rules;
    if (this.#known.size >= most) this.#known.clear();
    const rules = rulesOfLabel(bytes, start);
    this.#known.set(key, { a, b, c, d, rules });
    return rules;
  }
}

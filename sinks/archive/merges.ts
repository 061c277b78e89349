import type { Span } from "./layout.ts";

/** Files that were merged twice stay as they are until the seal: each merge writes the rows once more. */
const levels = 2;

export interface Merge {
  readonly merged: Span;
  readonly parts: readonly Span[];
}

/** What to merge in one hour's folder: `fanIn` files of a size become one. Parts are of one run, in order. */
export function mergesOf(spans: readonly Span[], fanIn: number): readonly Merge[] {
  const merges: Merge[] = [];
  for (const [run, ofRun] of Map.groupBy(spans, (span) => span.run)) {
    const sorted = ofRun.toSorted((a, b) => a.first - b.first);
    for (let level = 0; level < levels; level++) {
      const parts = sorted.filter((span) => levelOf(span, fanIn) === level);
      const whole = parts.slice(0, Math.floor(parts.length / fanIn) * fanIn);
      for (let at = 0; at < whole.length; at += fanIn) {
        const taken = whole.slice(at, at + fanIn);
        merges.push({ merged: around(run, taken), parts: taken });
      }
    }
  }
  return merges;
}

const levelOf = ({ first, last }: Span, fanIn: number): number =>
  last - first + 1 < fanIn ? 0 : last - first + 1 < fanIn ** 2 ? 1 : 2;

function around(run: string, spans: readonly Span[]): Span {
  return { run, first: spans[0]?.first ?? 0, last: spans.at(-1)?.last ?? 0 };
}

/** Widths of the table's columns on a terminal. */
export interface Layout {
  /** Of the whole line. */
  readonly width: number;
  readonly source: number;
  readonly destination: number;
  /** 0: the reason and the traffic have their own line. */
  readonly why: number;
  /** 0: not shown. */
  readonly node: number;
  /** What is wider than its column is cut. */
  readonly cuts: boolean;
}

export const columns = {
  time: 8,
  /** `✓ ALLOW ×999`. */
  verdict: 12,
  packets: 5,
  bytes: 7,
  node: 12,
} as const;

/** Where the source begins, and so what belongs to a row below it. */
export const indent = columns.time + 1 + columns.verdict + 1;

const narrowest = 80;
const wide = 110;
const withNode = 150;
const widest = 240;

/** Where no terminal sets a width, as in a file or a pipe: nothing is cut, and most of it stands in columns. */
const uncut: Layout = {
  width: Number.POSITIVE_INFINITY,
  source: 36,
  destination: 56,
  why: 44,
  node: columns.node,
  cuts: false,
};

/** Columns of a terminal, Infinity for none. Narrower ones than 80 are treated as 80. */
export function layoutFor(terminal: number): Layout {
  if (terminal === Number.POSITIVE_INFINITY) return uncut;
  const width = Math.max(narrowest, Math.min(terminal, widest));
  const arrow = 3;
  const ends = width - indent - arrow;
  if (width < wide) {
    const source = Math.floor(ends * 0.42);
    return { width, source, destination: ends - source, why: 0, node: 0, cuts: true };
  }
  const node = width < withNode ? 0 : columns.node;
  const rest = ends - columns.packets - columns.bytes - 3 - (node === 0 ? 0 : node + 1);
  const source = Math.floor(rest * 0.26);
  const destination = Math.floor(rest * 0.33);
  return { width, source, destination, why: rest - source - destination, node, cuts: true };
}

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
}

export const columns = {
  time: 8,
  /** `✓ ALLOW ×999`. */
  verdict: 12,
  packets: 5,
  bytes: 7,
} as const;

/** Where the source begins, and so what belongs to a row below it. */
export const indent = columns.time + 1 + columns.verdict + 1;

const narrowest = 80;
const wide = 110;
const withNode = 150;
const widest = 240;

/** Narrower terminals than 80 are treated as 80. */
export function layoutFor(terminal: number): Layout {
  const width = Math.max(narrowest, Math.min(terminal, widest));
  const arrow = 3;
  const ends = width - indent - arrow;
  if (width < wide) {
    const source = Math.floor(ends * 0.42);
    return { width, source, destination: ends - source, why: 0, node: 0 };
  }
  const node = width < withNode ? 0 : 12;
  const rest = ends - columns.packets - columns.bytes - 3 - (node === 0 ? 0 : node + 1);
  const source = Math.floor(rest * 0.26);
  const destination = Math.floor(rest * 0.33);
  return { width, source, destination, why: rest - source - destination, node };
}

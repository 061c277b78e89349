/** One connection that a program made, by what identifies it on its node. Times are UTC microseconds. */
export interface Made {
  readonly node: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly at: number;
  readonly packets: number;
}

/** What a store says of a flow, as far as the ledger needs it. */
export interface Told {
  readonly node: string;
  readonly epoch: number;
  readonly seq: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly packets: number;
}

export interface LostSpan {
  readonly node: string;
  readonly start: number;
  readonly end: number;
}

/** What became of the connections of a node in one store. Each is in exactly one of the last four. */
export interface Account {
  readonly node: string;
  readonly store: string;
  readonly made: number;
  /** All its packets, and no more. */
  readonly once: number;
  /** Not all of them, and a loss record covers its time. */
  readonly lost: number;
  /** More of them than there were. */
  readonly twice: readonly Made[];
  /** Not all of them, and nothing says so. */
  readonly missing: readonly Made[];
  /** Records that are there more than once. */
  readonly repeated: number;
}

/** Between the time that a program noted and what the collector holds for the span in which it did not see. */
const slackUs = 2_000_000;

export const isBalanced = ({ twice, missing, repeated }: Account): boolean =>
  twice.length === 0 && missing.length === 0 && repeated === 0;

/** Holds what a store has of a node against what was made there. */
export function accountOf(
  where: { readonly node: string; readonly store: string },
  made: readonly Made[],
  told: readonly Told[],
  losses: readonly LostSpan[],
): Account {
  const here = told.filter(({ node }) => node === where.node);
  const unique = new Map(here.map((record) => [`${record.epoch} ${record.seq}`, record]));
  const packets = new Map<string, number>();
  for (const record of unique.values()) packets.set(keyOf(record), (packets.get(keyOf(record)) ?? 0) + record.packets);
  const spans = losses.filter(({ node }) => node === where.node);
  const isCovered = ({ at }: Made) => spans.some(({ start, end }) => start - slackUs <= at && at <= end + slackUs);
  const sumOf = (one: Made) => packets.get(keyOf(one)) ?? 0;
  const short = made.filter((one) => sumOf(one) < one.packets);
  return {
    ...where,
    made: made.length,
    once: made.filter((one) => sumOf(one) === one.packets).length,
    lost: short.filter(isCovered).length,
    twice: made.filter((one) => sumOf(one) > one.packets),
    missing: short.filter((one) => !isCovered(one)),
    repeated: here.length - unique.size,
  };
}

export function ledgerText(accounts: readonly Account[]): string {
  const rows = accounts.map(({ node, store, made, once, lost, twice, missing, repeated }) =>
    [node, store, made, once, lost, twice.length, missing.length, repeated].map(String),
  );
  const head = ["NODE", "STORE", "MADE", "ONCE", "LOST, TOLD", "TWICE", "MISSING", "REPEATED"];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] as string).length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number)))
      .join("  ");
  return [line(head), ...rows.map(line)].join("\n");
}

const keyOf = ({ sourcePort, destinationPort }: Pick<Told, "sourcePort" | "destinationPort">) =>
  `${sourcePort} ${destinationPort}`;

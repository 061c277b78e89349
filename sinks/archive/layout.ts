// <data>/archive/<kind>/day=YYYY-MM-DD/hour=HH/<file>      times in UTC
// file => l0-<run>-<first>-<last>.parquet                  what one run of a writer flushed, from one flush to another
//       | seg-<sha-256 of the file>.parquet                sealed; its metadata `replaces` lists the l0 files it was made of
// Nothing is renamed away or rewritten. A file that stands for others is published first and they are removed after, so whoever
// lists a folder in between meets both: `visible` says which count.

export const archiveFolder = (data: string): string => `${data}/archive`;

const hourMs = 3_600_000;

/** Number of the hour since the epoch that holds a time in microseconds. */
export const hourOf = (us: number): number => Math.floor(us / 1000 / hourMs);

/** Where the hour's files are, below `archive/<kind>`; `isoTime` makes the text of a time in milliseconds. */
export function hourFolder(hour: number, isoTime: (ms: number) => string): string {
  const text = isoTime(hour * hourMs);
  return `day=${text.slice(0, 10)}/hour=${text.slice(11, 13)}`;
}

/** Flushes `first` to `last` of one run. */
export interface Span {
  readonly run: string;
  readonly first: number;
  readonly last: number;
}

const l0 = /^l0-([0-9a-z]+)-(\d+)-(\d+)\.parquet$/;
const segment = /^seg-([0-9a-f]{64})\.parquet$/;

export const l0Name = ({ run, first, last }: Span): string => `l0-${run}-${first}-${last}.parquet`;
export const segmentName = (sha256: string): string => `seg-${sha256}.parquet`;
export const isSegment = (name: string): boolean => segment.test(name);

/** SHA-256 of a segment, by its name. */
export const sealedHash = (name: string): string | undefined => segment.exec(name)?.[1];

export function spanOf(name: string): Span | undefined {
  const [, run, first, last] = l0.exec(name) ?? [];
  if (run === undefined) return undefined;
  return { run, first: Number(first), last: Number(last) };
}

function covers(outer: Span, inner: Span): boolean {
  return outer.run === inner.run && outer.first <= inner.first && inner.last <= outer.last;
}

/**
 * The files of a folder that count: each segment, and each l0 file that neither another one nor a segment stands for. `sealed` are
 * the names of l0 files that the folder's segments replace. Other names are nobody's.
 */
export function visible(names: readonly string[], sealed: readonly string[]): readonly string[] {
  const above = [...names, ...sealed].flatMap((name) => spanOf(name) ?? []);
  return names.filter((name) => {
    const span = spanOf(name);
    if (span === undefined) return isSegment(name);
    return !sealed.includes(name) && !above.some((other) => l0Name(other) !== name && covers(other, span));
  });
}

import { isoTime, parseTime } from "../../core/clock.ts";
import type { DataSetName } from "./documents/data-sets.ts";

// name => "sluice-" data-set "-" namespace "-" bucket       bucket => YYYY.MM | YYYY.MM.DD | YYYY.MM.DD.HH
// A namespace has no "-" (core/config.ts), so a name is read in one way only.

/** How much time an index holds, by the records' own time. */
export const buckets = ["hour", "day", "month"] as const;
export type Bucket = (typeof buckets)[number];

const lengths: Readonly<Record<Bucket, number>> = { hour: 13, day: 10, month: 7 };
const hourUs = 3_600_000_000;

/** What all indices of a data set can be asked by. */
export function aliasOf(set: string): string {
  return `sluice-${set}`;
}

/** Every index of a data set, of all namespaces or one. */
export function patternOf(set: string, namespace?: string): string {
  return namespace === undefined ? `sluice-${set}-*` : `sluice-${set}-${namespace}-*`;
}

/** Names of indices by a record's time, microseconds. Records come in the order of time, more or less: the last hour's name is kept. */
export function indexNames(set: DataSetName, namespace: string, bucket: Bucket): (us: number) => string {
  let hour = Number.NaN;
  let name = "";
  return (us) => {
    const at = Math.floor(us / hourUs);
    if (at !== hour) {
      hour = at;
      const text = isoTime((at * hourUs) / 1000).slice(0, lengths[bucket]);
      name = `sluice-${set}-${namespace}-${text.replaceAll(/[-T]/g, ".")}`;
    }
    return name;
  };
}

export interface NamedIndex {
  readonly name: string;
  readonly set: string;
  readonly namespace: string;
  /** The time that it holds, milliseconds; `until` not included. */
  readonly since: number;
  readonly until: number;
}

/** Undefined for names that are none of ours. */
export function parseIndexName(name: string): NamedIndex | undefined {
  const [, set, namespace, year, month, day, hour] =
    /^sluice-([a-z]+)-([^-]+)-(\d{4})\.(\d\d)(?:\.(\d\d)(?:\.(\d\d))?)?$/.exec(name) ?? [];
  if (set === undefined || namespace === undefined) return undefined;
  const since = parseTime(`${year}-${month}-${day ?? "01"}T${hour ?? "00"}:00:00Z`);
  if (since === undefined) return undefined;
  return { name, set, namespace, since, until: endOf(since, day, hour) };
}

function endOf(since: number, day: string | undefined, hour: string | undefined): number {
  if (hour !== undefined) return since + 3_600_000;
  if (day !== undefined) return since + 86_400_000;
  const next = isoTime(since + 31 * 86_400_000).slice(0, 7); // the first of a month and 31 days are in the next
  return parseTime(`${next}-01T00:00:00Z`) as number;
}

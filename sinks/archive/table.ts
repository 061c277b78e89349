/**
 * How records of one kind become rows. What is a number or true or false is a column of its own for every record; what is text comes in
 * groups of columns that repeat together (an endpoint, a verdict): until the hour is sealed, each distinct group is kept once.
 */
export interface Table<T> {
  readonly measures: readonly Measure<T>[];
  readonly groups: readonly Group<T>[];
  /** How rows stand within a file, once there are enough to gain from it; the files themselves follow each other in time. */
  readonly order: readonly string[];
  /** Condition for rows that stand before all others of a segment: what is asked for most, found without passing over the rest. */
  readonly apart?: string;
  /** Columns that name a record, for dropping duplicates. */
  readonly id: readonly string[];
  /** Groups that files of earlier versions lack: there they are null. */
  readonly later?: readonly string[];
  /** Column of `timeOf`. */
  readonly time: string;
  /** Microseconds; decides day and hour. */
  timeOf(record: T): number;
}

export interface Measure<T> {
  readonly name: string;
  readonly type: "TIMESTAMP" | "BIGINT" | "INTEGER" | "SMALLINT" | "BOOLEAN";
  of(record: T): number | boolean | null;
}

export type GroupValue = string | bigint | boolean | null;

export interface Group<T> {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** The same texts for records whose columns are equal, others for others; null if all columns are. */
  keyOf(record: T): readonly (string | null)[] | null;
  /** An object that decides the columns and that many records have in common, so that it serves as key. */
  sharedOf?(record: T): object | null;
  valuesOf(record: T): readonly GroupValue[];
}

export type Parts<P> = Readonly<
  Record<string, readonly [type: "VARCHAR" | "UBIGINT" | "BOOLEAN", of: (part: P) => GroupValue]>
>;

export interface GroupOptions<P> {
  /** Equal for equal parts; their JSON if it is not given. */
  readonly keyOf?: (part: P) => readonly (string | null)[];
  /** Enrichers give the very same object to many records. */
  readonly shared?: boolean;
}

/** The group of all that can be told of one part of a record. */
export function group<T, P extends string | object>(
  name: string,
  partOf: (record: T) => P | null,
  parts: Parts<P>,
  { keyOf = plainKey, shared = false }: GroupOptions<P> = {},
): Group<T> {
  const entries = Object.entries(parts);
  return {
    name,
    columns: entries.map(([column, [type]]) => ({ name: column, type })),
    keyOf(record) {
      const part = partOf(record);
      return part === null ? null : keyOf(part);
    },
    ...(shared ? { sharedOf: partOf as (record: T) => object | null } : {}),
    valuesOf(record) {
      const part = partOf(record);
      return part === null ? entries.map(() => null) : entries.map(([, [, of]]) => of(part));
    },
  };
}

const plainKey = (part: string | object) => [typeof part === "string" ? part : JSON.stringify(part)];

/** Measures of one type under the names their fields have. */
export function measures<T>(type: Measure<T>["type"], ...names: readonly (keyof T & string)[]): readonly Measure<T>[] {
  return names.map((name) => ({
    name: snake(name),
    type,
    of: (record) => record[name] as number | boolean | null,
  }));
}

/** A group of fields that are texts, under the names they have. */
export function texts<T>(name: string, ...fields: readonly (keyof T & string)[]): Group<T> {
  const parts: Parts<readonly (string | null)[]> = Object.fromEntries(
    fields.map((field, at) => [
      snake(field),
      ["VARCHAR", (part: readonly (string | null)[]) => part[at] ?? null] as const,
    ]),
  );
  return group(name, (record: T) => fields.map((field) => record[field] as string | null), parts);
}

/** `sourcePort` -> `source_port` */
export const snake = (name: string): string => name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

/** The groups that files of earlier versions lack. */
export function laterGroups<T>({ groups, later = [] }: Table<T>): readonly Group<T>[] {
  return groups.filter(({ name }) => later.includes(name));
}

/** All columns of a table with their types, in the order in which files have them. */
export function columnsOf<T>(table: Table<T>): readonly { readonly name: string; readonly type: string }[] {
  return [
    ...table.measures.map(({ name, type }) => ({ name, type })),
    ...table.groups.flatMap(({ columns }) => columns),
  ];
}

import { fileList, mixedParquet, parquet, quoted } from "./database.ts";
import { type Group, laterGroups, type Measure, type Table } from "./table.ts";

// An l0 file has rows of two sorts, so that a text which many records share is written once a file and not once a record:
//
// row  => fact | part
// fact => the table's measures, and for each group `of_<group>`, the id of a part         (part is null)
// part => part, id, texts        name of a group; what facts call it by; values of the group's columns as texts, in their order
//
// Every part that a file's facts name is in the file. Ids are one dictionary's, and dictionaries have distinct ones, so files may be read
// together. Rows in memory stand alike: a table of facts, in which all is DOUBLE (null is NaN, no part is 0), and one of parts a group.

/** Rows in memory: the table of facts, and the tables of parts by group. */
export interface OpenTables {
  readonly facts: string;
  readonly partsOf: (group: string) => string;
}

/** Rows in memory with those columns. */
export function openRelation(table: Table<never>, { facts, partsOf }: OpenTables, wanted: readonly string[]): string {
  const joins = groupsOf(table, wanted).map(
    ({ name }) => `left join "${partsOf(name)}" "${name}" on "${name}".id = f."of_${name}"::INTEGER`,
  );
  const measures = new Map(table.measures.map((measure) => [measure.name, typed(measure)]));
  const columns = wanted.map((name) => `${measures.get(name) ?? `"${name}"`} as "${name}"`);
  return `(select ${columns.join(", ")} from "${facts}" f ${joins.join(" ")})`;
}

/** The groups that have one of the columns: others need not be joined. */
function groupsOf(table: Table<never>, wanted: readonly string[]): readonly Group<never>[] {
  return table.groups.filter(({ columns }) => columns.some(({ name }) => wanted.includes(name)));
}

/** What the l0 file of an hour holds: facts from time `from` to before `to` (microseconds) and their parts. `base` is the dictionary's. */
export function l0Select(
  table: Table<never>,
  { facts, partsOf }: OpenTables,
  { from, to, base }: { readonly from: number; readonly to: number; readonly base: bigint },
): string {
  const within = `from "${facts}" f where "${table.time}" >= ${from} and "${table.time}" < ${to}`;
  const measures = table.measures.map((measure) => `${typed(measure)} as "${measure.name}"`);
  const ids = table.groups.map(({ name }) => `nullif("of_${name}", 0)::BIGINT + ${base} as "of_${name}"`);
  const parts = table.groups.map(({ name, columns }) => {
    const texts = columns.map((column) => `"${column.name}"::VARCHAR`).join(", ");
    const used = `select "of_${name}"::INTEGER ${within}`;
    return `select ${quoted(name)} as part, id + ${base} as id, [${texts}] as texts from "${partsOf(name)}" where id in (${used})`;
  });
  return [`select ${[...measures, ...ids].join(", ")} ${within}`, ...parts].join(" union all by name ");
}

/** One file of several: all their facts, and each part once. */
export function l0Merged(files: readonly string[]): string {
  const from = `from read_parquet(${fileList(files)}, hive_partitioning = false)`;
  const parts = `select part, id, any_value(texts) as texts ${from} where part is not null group by part, id`;
  return `select * ${from} where part is null union all by name ${parts}`;
}

/** Rows of l0 files with those columns. */
export function l0Relation(table: Table<never>, files: readonly string[], wanted: readonly string[]): string {
  const groups = groupsOf(table, wanted);
  const lacking = laterGroups(table).map(({ name }) => ({ name: `of_${name}`, type: "BIGINT" }));
  const from = `from ${lacking.length === 0 ? parquet(files) : mixedParquet(files, lacking)}`;
  const joins = groups.map(
    (group) => `left join (${partsOf(group)}) "${group.name}" on "${group.name}".id = f."of_${group.name}"`,
  );
  const columns = wanted.map((name) => `"${name}"`).join(", ");
  const parts = `select part, id, any_value(texts) as texts ${from} where part is not null group by part, id`;
  const facts = `select ${columns} ${from} f ${joins.join(" ")} where f.part is null`;
  return groups.length === 0 ? `(${facts})` : `(with parts as materialized (${parts}) ${facts})`;
}

function partsOf({ name, columns }: Group<never>): string {
  // A filter on the column may be asked before it is known which group a part is of: then the texts of others must not fail.
  const typedTexts = columns.map((column, at) =>
    column.type === "VARCHAR"
      ? `texts[${at + 1}] as "${column.name}"`
      : `try_cast(texts[${at + 1}] as ${column.type}) as "${column.name}"`,
  );
  return `select id, ${typedTexts.join(", ")} from parts where part = ${quoted(name)}`;
}

function typed({ name, type }: Measure<never>): string {
  const number = `nullif(f."${name}", 'nan'::DOUBLE)`;
  return type === "TIMESTAMP" ? `make_timestamp(${number}::BIGINT)` : `${number}::${type}`;
}

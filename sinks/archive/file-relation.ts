import { basename } from "node:path";
import { mixedParquet, parquet } from "./database.ts";
import { l0Relation } from "./l0.ts";
import { spanOf } from "./layout.ts";
import { columnsOf, laterGroups, type Table } from "./table.ts";

/** Rows of files of one kind, segments and l0 alike, as a relation with those columns, or all the table has. */
export function fileRelation(
  table: Table<never>,
  files: readonly string[],
  columns: readonly string[] = columnsOf(table).map(({ name }) => name),
): string {
  const { l0 = [], sealed = [] } = Object.groupBy(files, (file) =>
    spanOf(basename(file)) === undefined ? "sealed" : "l0",
  );
  const list = columns.map((column) => `"${column}"`).join(", ");
  const relations = [
    ...(sealed.length === 0 ? [] : [sealedRelation(table, sealed, list)]),
    ...(l0.length === 0 ? [] : [l0Relation(table, l0, columns)]),
  ];
  return relations.length === 1
    ? String(relations[0])
    : `(${relations.map((each) => `select * from ${each}`).join(" union all ")})`;
}

function sealedRelation(table: Table<never>, files: readonly string[], list: string): string {
  const lacking = laterGroups(table).flatMap(({ columns }) => columns);
  return lacking.length === 0 ? parquet(files, list) : `(select ${list} from ${mixedParquet(files, lacking)})`;
}

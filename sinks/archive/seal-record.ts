import type { RecordKind } from "../../core/records/codec.ts";
import type { Seal } from "../../core/records/seal.ts";
import { type Database, parquet } from "./database.ts";
import { tables } from "./tables.ts";

/** What a segment holds. */
export async function contentsOf(
  database: Database,
  kind: RecordKind,
  path: string,
): Promise<Pick<Seal, "rows" | "firstId" | "lastId" | "start" | "end">> {
  const { id, time } = tables[kind];
  const names = id.map((column) => `"${column}"`);
  // NULLs are left out of it: an end that is not yet tells nothing apart.
  const text = `concat_ws('/', ${names.map((name) => `${name}::VARCHAR`).join(", ")})`;
  const end = (order: "asc" | "desc") =>
    `(select ${text} from files order by ${[`"${time}"`, ...names].map((name) => `${name} ${order}`).join(", ")} limit 1)`;
  const [row] = await database.rows(
    `with files as ${parquet([path])}
     select count(*) as rows, epoch_us(min("${time}")) as start, epoch_us(max("${time}")) as "end",
       ${end("asc")} as first, ${end("desc")} as last from files`,
  );
  return {
    rows: Number(row?.["rows"]),
    firstId: String(row?.["first"]),
    lastId: String(row?.["last"]),
    start: Number(row?.["start"]),
    end: Number(row?.["end"]),
  };
}

import type { Run } from "../../core/records/runs.ts";
import type { Row } from "./database.ts";

/** The runs that the records of a relation with node, epoch and seq make: seq less its place is the same all along a run. */
export function runsSql(relation: string, where = "true"): string {
  return `
    select node, epoch::DOUBLE as epoch, min(seq)::DOUBLE as first, max(seq)::DOUBLE as last from (
      select node, epoch, seq, seq - row_number() over (partition by node, epoch order by seq) as island
      from (select distinct node, epoch, seq from ${relation} where ${where}))
    group by node, epoch, island`;
}

export function runOfRow(row: Row): Run {
  return {
    node: String(row["node"]),
    epoch: Number(row["epoch"]),
    first: Number(row["first"]),
    last: Number(row["last"]),
  };
}

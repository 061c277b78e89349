/** Every one of the rows with every one of the columns. */
export interface Rectangle {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/** A relation, columns by row, as rectangles that have nothing in common: few, by joining either equal rows or equal columns. */
export function cover(relation: ReadonlyMap<number, readonly number[]>): readonly Rectangle[] {
  const byRows = joinEqual(relation).map(({ keys, values }) => ({ rows: keys, columns: values }));
  const byColumns = joinEqual(turned(relation)).map(({ keys, values }) => ({ rows: values, columns: keys }));
  return byColumns.length < byRows.length ? byColumns : byRows;
}

function joinEqual(relation: ReadonlyMap<number, readonly number[]>) {
  const groups = Map.groupBy(relation, ([, values]) => values.join());
  return [...groups.values()].map((group) => ({ keys: group.map(([key]) => key), values: group[0]?.[1] ?? [] }));
}

function turned(relation: ReadonlyMap<number, readonly number[]>): ReadonlyMap<number, readonly number[]> {
  const result = new Map<number, number[]>();
  for (const [row, columns] of relation)
    for (const column of columns) {
      const rows = result.get(column);
      if (rows === undefined) result.set(column, [row]);
      else rows.push(row);
    }
  return result;
}

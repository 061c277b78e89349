/** The place of a record in a node's stream: epochs follow each other, and within one numbers count from 0. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

/** Before every record. */
export const origin: Position = { epoch: 0, seq: -1 };

export function isAfter(a: Position, b: Position): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);
}

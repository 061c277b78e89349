/** stored: it is there now; known: it was there before; again: nothing is wrong with it, later it may go; rejected: it never will. */
export type Outcome = "stored" | "known" | "again" | "rejected";

/** What Elasticsearch says of a document, where it says no. */
export interface Refusal {
  readonly type?: string;
  readonly reason?: string;
  readonly caused_by?: { readonly reason?: string };
}

/**
 * Faults of the document. Others come with 400 as well that are none of its: no room for another shard (validation_exception), an index
 * that is closed.
 */
const faults: ReadonlySet<string> = new Set([
  "document_parsing_exception",
  "mapper_parsing_exception",
  "illegal_argument_exception",
  "parsing_exception",
  "strict_dynamic_mapping_exception",
  "x_content_parse_exception",
]);

export function outcomeOf(status: number, refusal: Refusal | undefined): Outcome {
  if (status >= 200 && status < 300) return "stored";
  if (status === 409) return "known";
  return status === 400 && faults.has(refusal?.type ?? "") ? "rejected" : "again";
}

export function refusalText(status: number, { type = "", reason = "", caused_by }: Refusal = {}): string {
  const because = caused_by?.reason === undefined ? "" : ` (${caused_by.reason})`;
  return `${status} ${type}: ${reason}${because}`;
}

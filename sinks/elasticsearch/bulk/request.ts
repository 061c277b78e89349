import { messageOf } from "../../../core/errors.ts";
import { type Answer, type Elastic, reasonOf } from "../elastic.ts";
import { type Outcome, outcomeOf, type Refusal, refusalText } from "./outcome.ts";

/** Of one document; `reason` where it is not stored. */
export interface ItemAnswer {
  readonly outcome: Outcome;
  readonly status: number;
  readonly reason?: string;
}

/** What became of a request: an answer for each document, or for none of them. */
export type BulkAnswer =
  | { readonly kind: "items"; readonly items: readonly ItemAnswer[] }
  /** Too many bytes at once. */
  | { readonly kind: "tooLarge" }
  /** It has more to do than it can. */
  | { readonly kind: "busy"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string }
  /** Nobody knows what became of it. */
  | { readonly kind: "unanswered"; readonly reason: string };

/** Only what is read of the answer: else it is as long as the request. */
const filter = "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason";

interface Body {
  readonly errors?: boolean;
  readonly items?: readonly Readonly<Record<string, { readonly status: number; readonly error?: Refusal }>>[];
}

const stored: ItemAnswer = { outcome: "stored", status: 201 };

/** Sends `count` documents as lines of the bulk API. */
export async function sendBulk(
  elastic: Elastic,
  lines: Buffer,
  count: number,
  signal: AbortSignal,
): Promise<BulkAnswer> {
  let answer: Answer<Body>;
  try {
    const query = { filter_path: filter };
    answer = await elastic.ask<Body>({ method: "POST", path: "/_bulk", query, lines }, signal);
  } catch (cause) {
    return { kind: "unanswered", reason: messageOf(cause) };
  }
  const { status, body } = answer;
  if (status === 413) return { kind: "tooLarge" };
  if (status === 429) return { kind: "busy", reason: reasonOf(answer) };
  if (status >= 300) return { kind: "refused", reason: reasonOf(answer) };
  const items = body.items ?? [];
  if (items.length === count) return { kind: "items", items: items.map((item) => itemOf(item)) };
  return { kind: "unanswered", reason: `the answer tells of ${items.length} documents, not of ${count}` };
}

function itemOf(item: Readonly<Record<string, { readonly status: number; readonly error?: Refusal }>>): ItemAnswer {
  const { status, error } = Object.values(item)[0] ?? { status: 0 };
  if (status === 201) return stored;
  const outcome = outcomeOf(status, error);
  return outcome === "stored" ? { outcome, status } : { outcome, status, reason: refusalText(status, error) };
}

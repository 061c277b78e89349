import { SluiceError } from "../errors.ts";
import type { FieldName } from "./fields.ts";

/** What could have stood at a place: the data that completion is made of. */
export type Expectation =
  | { readonly kind: "field" }
  | { readonly kind: "value"; readonly field: FieldName }
  | { readonly kind: "word"; readonly words: readonly string[] };

export interface Place {
  /** Offsets in the text, end excluded; equal at the text's end. */
  readonly start: number;
  readonly end: number;
}

/** A filter that is not accepted: FILTER_INVALID, whose message shows the place. */
export class FilterError extends SluiceError {
  readonly place: Place;
  readonly expected: readonly Expectation[];

  constructor(text: string, place: Place, complaint: string, expected: readonly Expectation[] = []) {
    const message = `the filter is not accepted at position ${place.start + 1}: ${complaint}\n${caret(text, place)}`;
    super("FILTER_INVALID", message, { context: { position: place.start + 1, length: place.end - place.start } });
    this.place = place;
    this.expected = expected;
  }
}

/** How much of a long line is shown on either side of the place. */
const around = 60;

/** The line of the text with the place underlined; of a long one the part around it. */
function caret(text: string, { start, end }: Place): string {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const newline = text.indexOf("\n", start);
  const lineEnd = newline < 0 ? text.length : newline;
  const from = start - lineStart > around ? start - around : lineStart;
  const to = Math.min(lineEnd, start + around);
  const head = from > lineStart ? "…" : "";
  const shown = head + printable(text.slice(from, to)) + (to < lineEnd ? "…" : "");
  const underline = "^".repeat(Math.max(1, Math.min(end, to) - start));
  return `  ${shown}\n  ${" ".repeat(head.length + start - from)}${underline}`;
}

/** One column a character, and nothing that a terminal obeys. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => (char === "\t" ? " " : "?".repeat(char.length)));
}

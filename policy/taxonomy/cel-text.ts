import type { Selector } from "../selector/syntax.ts";

/**
 * A text as a literal of CEL: whatever stands in it stays a text. CEL knows no half of a surrogate pair, nor does any JSON that reaches
 * a cluster.
 */
export function celText(text: string): string {
  const escaped = [...text.toWellFormed()].map((character) =>
    plain.test(character) ? character : asNumber(character),
  );
  return `'${escaped.join("")}'`;
}

export function celList(texts: readonly string[]): string {
  return `[${texts.map(celText).join(", ")}]`;
}

const plain = /^[\w ./:@,=-]$/;

function asNumber(character: string): string {
  const code = character.codePointAt(0) as number;
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, "0");

/** Whether a mapping of labels satisfies a selector; `labels` is an expression of such a mapping. */
export function celSelector(selector: Selector, labels: string): string {
  switch (selector.op) {
    case "all":
    case "global":
      return "true";
    case "not":
      return `!${celSelector(selector.term, labels)}`;
    case "and":
    case "or":
      return `(${selector.terms.map((term) => celSelector(term, labels)).join(selector.op === "and" ? " && " : " || ")})`;
    case "has":
      return celHas(selector.label, labels);
    case "in":
      return valueIs(selector.label, labels, ` in ${celList(selector.values)}`);
    case "not in":
      return `!${valueIs(selector.label, labels, ` in ${celList(selector.values)}`)}`;
    case "==":
      return valueIs(selector.label, labels, ` == ${celText(selector.value)}`);
    case "!=":
      return `!${valueIs(selector.label, labels, ` == ${celText(selector.value)}`)}`;
    case "contains":
      return valueIs(selector.label, labels, `.contains(${celText(selector.value)})`);
    case "starts with":
      return valueIs(selector.label, labels, `.startsWith(${celText(selector.value)})`);
    case "ends with":
      return valueIs(selector.label, labels, `.endsWith(${celText(selector.value)})`);
  }
}

export function celHas(label: string, labels: string): string {
  return `(${celText(label)} in ${labels})`;
}

/** An absent label satisfies no comparison. */
function valueIs(label: string, labels: string, comparison: string): string {
  return `(${celText(label)} in ${labels} && ${labels}[${celText(label)}]${comparison})`;
}

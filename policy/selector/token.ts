import { SluiceError } from "../../core/errors.ts";

export type Token =
  | { readonly kind: "label"; readonly text: string; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly at: number }
  | { readonly kind: "operator"; readonly text: Operator; readonly at: number }
  | { readonly kind: "call"; readonly text: "all" | "global"; readonly at: number }
  | { readonly kind: "has"; readonly text: string; readonly at: number }
  | { readonly kind: Symbol; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly text: ""; readonly at: number };

export type Operator = "==" | "!=" | "contains" | "starts with" | "ends with" | "in" | "not in";
type Symbol = "(" | ")" | "{" | "}" | "," | "&&" | "||" | "!";

const labelPattern = "[a-zA-Z0-9_./-]+";
const has = new RegExp(`has\\([ \\t]*(${labelPattern})[ \\t]*\\)`, "y");
const call = /(all|global)\([ \t]*\)/y;
const label = new RegExp(labelPattern, "y");
// Words are operators only directly after a label, so labels may be called "in" or "contains".
const word = /(contains|starts[ \t]*with|ends[ \t]*with|not[ \t]*in|in)(?![a-zA-Z0-9_./-])/y;
const comparison = /==|!=/y;
const symbol = /&&|\|\||[(){},!]/y;
const text = /"([^"]*)"|'([^']*)'/y;
const blanks = /[ \t]*/y;

/** Cuts a selector into tokens. Throws SELECTOR_INVALID with the position. */
export function tokenize(selector: string, maxLabel: number): readonly Token[] {
  const tokens: Token[] = [];
  let at = skipBlanks(selector, 0);
  while (at < selector.length) {
    const { token, end } = next(selector, at, tokens.at(-1)?.kind === "label");
    if ((token.kind === "label" || token.kind === "has") && token.text.length > maxLabel)
      throw invalid(selector, at, `a label name of ${token.text.length} characters (at most ${maxLabel})`);
    tokens.push(token);
    at = skipBlanks(selector, end);
  }
  return [...tokens, { kind: "end", text: "", at }];
}

function next(selector: string, at: number, afterLabel: boolean): { token: Token; end: number } {
  const match = (pattern: RegExp) => matchAt(pattern, selector, at);
  if (afterLabel) {
    const operator = match(comparison) ?? match(word);
    if (operator)
      return { token: { kind: "operator", text: operatorOf(operator[0]), at }, end: at + operator[0].length };
  }
  const quoted = match(text);
  if (quoted) return { token: { kind: "string", text: quoted[1] ?? quoted[2] ?? "", at }, end: at + quoted[0].length };
  const calls = match(call);
  if (calls) return { token: { kind: "call", text: calls[1] as "all" | "global", at }, end: at + calls[0].length };
  const asked = match(has);
  if (asked) return { token: { kind: "has", text: asked[1] as string, at }, end: at + asked[0].length };
  const sign = match(symbol);
  if (sign) return { token: { kind: sign[0] as Symbol, text: sign[0], at }, end: at + sign[0].length };
  const name = match(label);
  if (name) return { token: { kind: "label", text: name[0], at }, end: at + name[0].length };
  throw invalid(selector, at, `unexpected ${JSON.stringify(selector[at])}`);
}

export function invalid(selector: string, at: number, what: string): SluiceError {
  return new SluiceError("SELECTOR_INVALID", `${what} at character ${at + 1} of selector ${JSON.stringify(selector)}`);
}

function operatorOf(found: string): Operator {
  const word = found.replace(/[ \t]+/g, "");
  if (word === "startswith") return "starts with";
  if (word === "endswith") return "ends with";
  return word === "notin" ? "not in" : (word as Operator);
}

function matchAt(pattern: RegExp, selector: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(selector);
}

function skipBlanks(selector: string, at: number): number {
  return at + (matchAt(blanks, selector, at)?.[0].length ?? 0);
}

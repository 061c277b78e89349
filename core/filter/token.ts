// filter  => token*
// token   => sign | quoted | word
// sign    => "(" | ")" | "{" | "}" | "[" | "]" | "," | "=" | "==" | "!=" | "!~" | "!" | "<" | "<=" | ">" | ">=" | "~" | "&&" | "||" | "&" | "|"
// quoted  => '"' ([^"\] | "\" any)* '"', or the same with "'"
// word    => anything else up to white space, a sign or a quote

export interface Token {
  /** `open`: a quote that nothing closes. */
  readonly kind: "word" | "quoted" | "open" | "sign" | "end";
  /** Of quoted ones what is between the quotes, without escapes. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const space = /\s+/y;
const sign = /[(){}[\],~]|==?|![=~]?|[<>]=?|&&?|\|\|?/y;
const quoted = /"((?:[^"\\]|\\[\s\S])*)("?)|'((?:[^'\\]|\\[\s\S])*)('?)/y;
const word = /[^\s(){}[\],=!<>~"'&|]+/y;

/** The tokens of a text and a last one of kind `end`. Any text has tokens. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const token = tokenAt(text, at);
    if (token !== undefined) tokens.push(token);
    at = token?.end ?? endOf(space, text, at);
  }
  return [...tokens, { kind: "end", text: "", start: at, end: at }];
}

function tokenAt(text: string, start: number): Token | undefined {
  const inQuotes = matchAt(quoted, text, start);
  if (inQuotes !== null) {
    const [whole, double, closed, single, closedSingle] = inQuotes;
    const content = (double ?? single ?? "").replace(/\\([\s\S])/g, "$1");
    const kind = (closed ?? closedSingle) ? "quoted" : "open";
    // A backslash at the very end escapes nothing and belongs to the open quote.
    const end = kind === "open" ? text.length : start + whole.length;
    return { kind, text: content, start, end };
  }
  for (const [kind, pattern] of [["sign", sign] as const, ["word", word] as const]) {
    const [found] = matchAt(pattern, text, start) ?? [];
    if (found !== undefined) return { kind, text: found === "==" ? "=" : found, start, end: start + found.length };
  }
  return undefined;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function endOf(pattern: RegExp, text: string, at: number): number {
  return at + (matchAt(pattern, text, at)?.[0].length ?? 1);
}

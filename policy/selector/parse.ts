import { exact } from "../../core/exact.ts";
import type { Comparison, Selector } from "./syntax.ts";
import { invalid, type Token, tokenize } from "./token.ts";

/** Deeper nesting than any person writes; it bounds the recursion of whoever walks the tree. */
const maxDepth = 200;

/** Longest name of a label that a person may write; of a Program's selectors it is longer by the prefix of inherited labels. */
const maxLabelLength = 512;

/** Parses a selector; an empty one is `all()`. Throws SELECTOR_INVALID naming the position. */
export function parseSelector(text: string, maxLabel = maxLabelLength): Selector {
  return new Parser(text, maxLabel).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(text: string, maxLabel: number) {
    this.#text = text;
    this.#tokens = tokenize(text, maxLabel);
  }

  parse(): Selector {
    if (this.#peek().kind === "end") return { op: "all" };
    const selector = this.#or(0);
    if (this.#peek().kind !== "end") throw this.#unexpected("end of selector");
    return selector;
  }

  #or(depth: number): Selector {
    return this.#chain("||", "or", () => this.#and(depth));
  }

  #and(depth: number): Selector {
    return this.#chain("&&", "and", () => this.#not(depth));
  }

  #chain(separator: "||" | "&&", op: "or" | "and", part: () => Selector): Selector {
    const first = part();
    const terms = [first];
    while (this.#accept(separator)) terms.push(part());
    return terms.length === 1 ? first : { op, terms: exact(terms) };
  }

  #not(depth: number): Selector {
    let negated = false;
    while (this.#accept("!")) negated = !negated;
    const term = this.#term(depth);
    return negated ? { op: "not", term } : term;
  }

  #term(depth: number): Selector {
    if (depth > maxDepth) throw invalid(this.#text, this.#peek().at, `more than ${maxDepth} nested parentheses`);
    const token = this.#take();
    switch (token.kind) {
      case "call":
        return { op: token.text };
      case "has":
        return { op: "has", label: token.text };
      case "label":
        return this.#comparison(token.text);
      case "(": {
        const inner = this.#or(depth + 1);
        this.#expect(")");
        return inner;
      }
      case "string":
      case "operator":
      case "end":
      case ")":
      case "{":
      case "}":
      case ",":
      case "&&":
      case "||":
      case "!":
        this.#position -= 1;
        throw this.#unexpected("has(…), all(), a label or (");
    }
  }

  #comparison(label: string): Selector {
    const token = this.#peek();
    if (token.kind !== "operator") throw this.#unexpected(`an operator after label ${label}`);
    this.#position += 1;
    if (token.text === "in" || token.text === "not in") return { op: token.text, label, values: this.#set() };
    return { op: token.text satisfies Comparison, label, value: this.#string() };
  }

  #set(): readonly string[] {
    this.#expect("{");
    const values: string[] = [];
    while (this.#peek().kind === "string") {
      values.push(this.#string());
      if (!this.#accept(",")) break;
    }
    this.#expect("}");
    return values;
  }

  #string(): string {
    const token = this.#take();
    if (token.kind === "string") return token.text;
    this.#position -= 1;
    throw this.#unexpected("a value in quotes");
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#position, this.#tokens.length - 1)] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#position += 1;
    return token;
  }

  #accept(kind: Token["kind"]): boolean {
    if (this.#peek().kind !== kind) return false;
    this.#position += 1;
    return true;
  }

  #expect(kind: Token["kind"]): void {
    if (!this.#accept(kind)) throw this.#unexpected(kind);
  }

  #unexpected(wanted: string): Error {
    const token = this.#peek();
    const found = token.kind === "end" ? "the selector ends" : `found ${JSON.stringify(token.text)}`;
    return invalid(this.#text, token.at, `${found} where ${wanted} was expected`);
  }
}

import { type Field, type FieldName, fields } from "./fields.ts";
import type { Comparator, Filter, Test, Value } from "./filter.ts";
import { type Expectation, FilterError } from "./filter-error.ts";
import { type Key, keyOf, knownNames } from "./key.ts";
import { hint, literalOf, patternOf, quote } from "./literal.ts";
import { isPattern } from "./pattern.ts";
import { type Token, tokensOf } from "./token.ts";

// filter     => and (OR and)*
// and        => unary (AND unary)*
// unary      => (NOT | "!") unary | "(" filter ")" | test
// test       => (EXISTS | HAS) "(" key ")" | key EXISTS | key comparator (value | set) | key [NOT] IN set | key NOTIN set
// comparator => "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
// set        => "(" value ("," value)* ")" | "{" value ("," value)* "}"
// key        => a field of fields.ts | labels "." name | labels "[" quoted "]" | any of them quoted
// value      => word | quoted
// Words in capitals stand for themselves in any case; AND is also "&&", OR "||". In a set after IN, values with `*` or `?` are
// patterns, as in Calico's GlobalAlert.

/**
 * The filter that a text means; `nowMs` is what `-15m` counts from. Throws FilterError (FILTER_INVALID), and nothing else, for
 * a text that means none.
 */
export function parseFilter(text: string, nowMs: number): Filter {
  return new Parser(text, nowMs).whole();
}

/** More is no filter that a person wrote. */
const maxLength = 20_000;
const maxDepth = 100;

const comparators = ["=", "!=", "<", "<=", ">", ">=", "~", "!~"] as const;

const allowed: Readonly<Record<Field["type"], readonly string[]>> = {
  text: ["=", "!=", "~", "!~", "in", "not in", "exists"],
  labels: ["=", "!=", "~", "!~", "in", "not in", "exists"],
  number: ["=", "!=", "<", "<=", ">", ">=", "in", "not in", "exists"],
  time: ["=", "!=", "<", "<=", ">", ">=", "in", "not in", "exists"],
  address: ["=", "!=", "in", "not in", "exists"],
  boolean: ["=", "!=", "in", "not in", "exists"],
};

class Parser {
  readonly #text: string;
  readonly #nowMs: number;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, nowMs: number) {
    if (text.length > maxLength)
      throw new FilterError(text, { start: maxLength, end: maxLength }, `it is longer than ${maxLength} characters`);
    this.#text = text;
    this.#nowMs = nowMs;
    this.#tokens = tokensOf(text);
  }

  whole(): Filter {
    const filter = this.#any();
    if (this.#next.kind !== "end") this.#unexpected([{ kind: "word", words: ["and", "or"] }]);
    return filter;
  }

  #any(): Filter {
    const terms = [this.#all()];
    while (this.#takeWord("or") || this.#takeSign("||")) terms.push(this.#all());
    return terms.length === 1 ? (terms[0] as Filter) : { op: "or", terms };
  }

  #all(): Filter {
    const terms = [this.#unary()];
    while (this.#takeWord("and") || this.#takeSign("&&")) terms.push(this.#unary());
    return terms.length === 1 ? (terms[0] as Filter) : { op: "and", terms };
  }

  #unary(): Filter {
    if (++this.#depth > maxDepth) this.#fail(this.#next, `it is nested deeper than ${maxDepth} levels`);
    const filter = this.#takeWord("not") || this.#takeSign("!") ? negated(this.#unary()) : this.#operand();
    this.#depth--;
    return filter;
  }

  #operand(): Filter {
    if (this.#takeSign("(")) {
      const inner = this.#any();
      this.#close(")", ["and", "or"]);
      return inner;
    }
    const after = this.#tokens[this.#at + 1];
    if (after?.kind === "sign" && after.text === "(" && this.#takeWord("exists", "has")) {
      this.#at++;
      const key = this.#key([]);
      this.#close(")", []);
      return this.#test(key, "exists", []);
    }
    return this.#comparison(this.#key(["not", "(", "exists("]));
  }

  #key(others: readonly string[]): Key {
    const token = this.#next;
    if (token.kind !== "word" && token.kind !== "quoted") this.#unexpected([{ kind: "field" }, ...wordsOf(others)]);
    this.#at++;
    const key = keyOf(token.text) ?? this.#unknownField(token);
    if (fields[key.field].type !== "labels" || key.key !== null) return key;
    if (!this.#takeSign("[")) return this.#fail(token, `write the label too, as ${token.text}.app`);
    const label = this.#next;
    if (label.kind !== "quoted" && label.kind !== "word") this.#fail(label, "a label's key is expected");
    this.#at++;
    this.#close("]", []);
    return { ...key, key: label.text };
  }

  #unknownField(token: Token): never {
    return this.#fail(token, `there is no field ${quote(token.text)}${hint(token.text, knownNames)}`, [
      { kind: "field" },
    ]);
  }

  #comparison(key: Key): Filter {
    const token = this.#next;
    const written = this.#comparator(key);
    const { type } = fields[key.field];
    if (!allowed[type].includes(written))
      this.#fail(token, `${key.field} is ${article(type)} and has no "${written}"; it has ${allowed[type].join(" ")}`);
    if (written === "exists") return this.#test(key, "exists", []);
    const values = this.#values(written, key.field);
    const comparator = comparatorOf(written, type, values);
    const test = this.#test(
      key,
      comparator,
      values.map((value) => this.#value(key.field, comparator, value)),
    );
    return isNegation(written) ? negated(test) : test;
  }

  /** As it is written: `=`, `not in`, `exists`. */
  #comparator(key: Key): string {
    const { kind, text } = this.#next;
    if (kind === "sign" && comparators.some((sign) => sign === text)) {
      this.#at++;
      return text;
    }
    if (this.#takeWord("exists")) return "exists";
    if (this.#takeWord("in")) return "in";
    if (this.#takeWord("notin")) return "not in";
    if (!this.#takeWord("not")) this.#unexpected(wordsOf(allowed[fields[key.field].type]));
    if (!this.#takeWord("in")) this.#unexpected(wordsOf(["in"]));
    return "not in";
  }

  #values(written: string, field: FieldName): readonly Token[] {
    const closing = this.#takeSign("(") ? ")" : this.#takeSign("{") ? "}" : undefined;
    if (closing === undefined) {
      if (written.endsWith("in")) this.#unexpected(wordsOf(["("]));
      return [this.#literal(field)];
    }
    if (/[<>]/.test(written)) this.#fail(this.#tokens[this.#at - 1] as Token, `"${written}" compares with one value`);
    const values = [this.#literal(field)];
    while (this.#takeSign(",")) values.push(this.#literal(field));
    this.#close(closing, [","]);
    return values;
  }

  #literal(field: FieldName): Token {
    const token = this.#next;
    if (token.kind !== "word" && token.kind !== "quoted") this.#unexpected([{ kind: "value", field }]);
    this.#at++;
    return token;
  }

  #value(field: FieldName, comparator: Comparator, token: Token): Value {
    const complain = (complaint: string) => this.#fail(token, complaint, [{ kind: "value", field }]);
    if (comparator === "~") return patternOf(field, token.text, complain);
    return literalOf(field, token.text, this.#nowMs, complain);
  }

  #test({ field, key }: Key, comparator: Comparator, values: readonly Value[]): Test {
    return { op: "test", field, key, comparator, values };
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #takeWord(...words: readonly string[]): boolean {
    const { kind, text } = this.#next;
    const found = kind === "word" && words.includes(text.toLowerCase());
    if (found) this.#at++;
    return found;
  }

  #takeSign(sign: string): boolean {
    const { kind, text } = this.#next;
    const found = kind === "sign" && text === sign;
    if (found) this.#at++;
    return found;
  }

  #close(sign: string, others: readonly string[]): void {
    if (!this.#takeSign(sign)) this.#unexpected(wordsOf([...others, sign]));
  }

  #unexpected(expected: readonly Expectation[]): never {
    const { kind, text } = this.#next;
    const found = kind === "end" ? "it ends" : kind === "open" ? "a quote is not closed" : `${quote(text)} stands`;
    const wanted = expected.map(textOf).join(" or ");
    const words = expected.flatMap((one) => (one.kind === "word" ? one.words : []));
    const meant = kind === "word" ? hint(text, words) : "";
    return this.#fail(this.#next, `${found} where ${wanted} is expected${meant}`, expected);
  }

  #fail(token: Token, complaint: string, expected: readonly Expectation[] = []): never {
    throw new FilterError(this.#text, token, complaint, expected);
  }
}

const negated = (term: Filter): Filter => ({ op: "not", term });

const isNegation = (written: string): boolean => written.startsWith("!") || written.startsWith("not");

function comparatorOf(written: string, type: Field["type"], values: readonly Token[]): Comparator {
  if (written === "!=") return "=";
  if (written === "!~") return "~";
  if (!written.endsWith("in")) return written as Comparator;
  const takesPatterns = type === "text" || type === "labels";
  return takesPatterns && values.some(({ text }) => isPattern(text)) ? "~" : "=";
}

const wordsOf = (words: readonly string[]): readonly Expectation[] =>
  words.length === 0 ? [] : [{ kind: "word", words }];

const article = (type: Field["type"]): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);

function textOf(expectation: Expectation): string {
  switch (expectation.kind) {
    case "field":
      return "a field's name";
    case "value":
      return `a value of ${expectation.field}`;
    case "word":
      return expectation.words.map((word) => `"${word}"`).join(" or ");
  }
}

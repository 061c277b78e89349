import type { FieldName } from "./fields.ts";
import { type Field, fields } from "./fields.ts";
import { type Expectation, FilterError } from "./filter-error.ts";
import { knownNames } from "./key.ts";
import { parseFilter } from "./parse.ts";
import { type Token, tokensOf } from "./token.ts";

/** What may stand at the cursor. */
export interface Completion {
  /** The part of the text that an option replaces; `to` is the cursor. */
  readonly from: number;
  readonly to: number;
  /** Those that begin with what is written there. */
  readonly options: readonly CompletionOption[];
  /** Where a value is expected, of which field: a store may know more of them. */
  readonly field: FieldName | null;
}

export interface CompletionOption {
  readonly text: string;
  readonly description: string;
}

/** For a console or shell. What stands behind the cursor is not looked at; before it must stand what parses. */
export function completeFilter(text: string, cursor: number): Completion {
  const before = text.slice(0, cursor);
  const written = tokensOf(before).at(-2);
  const isUnfinished = written?.end === before.length && (written.kind === "word" || written.kind === "open");
  const from = isUnfinished ? (written as Token).start : before.length;
  const prefix = isUnfinished ? (written as Token).text.toLowerCase() : "";
  const expected = expectedAfter(before.slice(0, from));
  const options = expected.flatMap(optionsOf).filter((option) => option.text.toLowerCase().startsWith(prefix));
  const value = expected.find((one) => one.kind === "value");
  return { from, to: before.length, options, field: value?.field ?? null };
}

function expectedAfter(text: string): readonly Expectation[] {
  try {
    parseFilter(text, 0);
    return [{ kind: "word", words: ["and", "or"] }];
  } catch (thrown) {
    if (!(thrown instanceof FilterError)) throw thrown;
    const isAtEnd = thrown.place.start === thrown.place.end;
    return isAtEnd ? thrown.expected : [];
  }
}

function optionsOf(expectation: Expectation): readonly CompletionOption[] {
  switch (expectation.kind) {
    case "field":
      return knownNames.map((name) => ({ text: name, description: name in fields ? fieldOf(name).description : "" }));
    case "value":
      return (fieldOf(expectation.field).values ?? exampleValues(expectation.field)).map((value) => ({
        text: value,
        description: "",
      }));
    case "word":
      return expectation.words.map((word) => ({ text: word, description: "" }));
  }
}

const fieldOf = (name: string): Field => fields[name as FieldName];

/** Where a type has few values. */
function exampleValues(field: FieldName): readonly string[] {
  return fields[field].type === "boolean" ? ["true", "false"] : [];
}

import { LineCounter, parseAllDocuments, type ScalarTag, type Tags } from "yaml";
import { messageOf } from "../errors.ts";

/** One document of a YAML stream: its value or why it has none. */
export interface YamlDocument {
  /** From 1; documents without content are not counted out, so that numbers stay put. */
  readonly number: number;
  /** Line of the file on which it begins or, of an error, on which that is; from 1. */
  readonly line: number;
  /** Plain data; undefined if the document is empty or has an error. */
  readonly value: unknown;
  readonly error: string | null;
}

/** The documents of a YAML stream (or of JSON, which is YAML), read as kubectl reads them. Never throws. */
export function readYaml(text: string): readonly YamlDocument[] {
  if (isTooDeep(text)) return [failed(1, 1, `is nested more than ${maxDepth} levels deep`)];
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      merge: true,
      customTags: asKubectl,
      lineCounter: lines,
      prettyErrors: false,
      logLevel: "error",
    });
    if (!Array.isArray(documents)) return []; // nothing but blanks and comments
    return documents.map((document, index) => {
      const number = index + 1;
      const error = document.errors[0];
      if (error !== undefined) return failed(number, lines.linePos(error.pos[0]).line, error.message);
      const line = lines.linePos(document.contents?.range?.[0] ?? 0).line;
      try {
        const value: unknown = document.toJS() ?? undefined;
        return { number, line, value, error: null };
      } catch (thrown) {
        return failed(number, line, messageOf(thrown)); // aliases that multiply without end
      }
    });
  } catch (thrown) {
    return [failed(1, 1, messageOf(thrown))];
  }
}

/** Objects nest a dozen levels, schemas in CRDs some sixty; the parser recurses, and for thousands it overflows the stack. */
const maxDepth = 200;

/** Counts brackets wherever they stand, also in text: so many that nothing closes are no manifest either. */
function isTooDeep(text: string): boolean {
  if (dashes.test(text)) return true;
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[{}\]]/g)) {
    depth = bracket === "[" || bracket === "{" ? depth + 1 : Math.max(0, depth - 1);
    if (depth > maxDepth) return true;
  }
  return false;
}

const dashes = new RegExp(`(?:[-?:] ){${maxDepth}}`);

function failed(number: number, line: number, error: string): YamlDocument {
  return { number, line, value: undefined, error };
}

// kubectl reads YAML 1.1 (sigs.k8s.io/yaml): `yes`, `on` and their like are booleans and a leading 0 means octal.
const words = (...lower: string[]) => new RegExp(`^(?:${lower.flatMap(spellings).join("|")})$`);
const spellings = (word: string) => [word, `${word.charAt(0).toUpperCase()}${word.slice(1)}`, word.toUpperCase()];

const yes: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: words("y", "yes", "on"),
  resolve: () => true,
};
const no: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: words("n", "no", "off"),
  resolve: () => false,
};
const octal: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};
const asKubectl = (tags: Tags): Tags => [yes, no, octal, ...tags];

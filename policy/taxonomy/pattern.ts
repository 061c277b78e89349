/**
 * Patterns of label values: what regular expressions of every engine agree on, and nothing that takes long.
 *
 * pattern  => sequence ("|" sequence)*
 * sequence => (atom repeat?)+
 * atom     => letter | digit | "_" | "-" | "\." | "\d" | "." | "[" "^"? (char | char "-" char)+ "]"
 * repeat   => "?" | "*" | "+" | "{" n "}" | "{" n "," m? "}"
 */
export interface ValuePattern {
  /** As it was written. */
  readonly text: string;
  readonly alternatives: readonly (readonly Atom[])[];
}

/** One character of these, so many times. */
interface Atom {
  readonly characters: Characters;
  readonly min: number;
  readonly max: number;
}

interface Characters {
  readonly ranges: readonly (readonly [from: string, to: string])[];
  /** All but these. */
  readonly not: boolean;
}

/** Longest value of a label (k8s.io/apimachinery/pkg/util/validation). */
const longest = 63;

const repeat = /(?:[?*+]|\{(\d{1,2})(,(\d{0,2}))?\})?/.source;
const member = /(?:[\w.](?:-[\w.])?|\\\.|-)/.source;
const atomPattern = new RegExp(`([\\w-]|\\\\\\.|\\\\d|\\.|\\[\\^?${member}+\\])(${repeat})`, "y");

/** Throws on what is no pattern. */
export function parseValuePattern(text: string): ValuePattern {
  if (/^\^|\$$/.test(text)) throw new Error(`"${text}": the whole value is compared; leave out ^ and $`);
  return { text, alternatives: text.split("|").map((part) => sequenceOf(part, text)) };
}

function sequenceOf(part: string, text: string): readonly Atom[] {
  const atoms: Atom[] = [];
  atomPattern.lastIndex = 0;
  while (atomPattern.lastIndex < part.length) {
    const at = atomPattern.lastIndex;
    const [, characters = "", times = "", least, upTo, most] = atomPattern.exec(part) ?? [];
    if (characters === "") throw new Error(`"${text}" is no pattern of values: at "${part.slice(at)}"; ${known}`);
    atoms.push({ characters: charactersOf(characters), ...timesOf(times, least, upTo, most) });
  }
  if (atoms.length === 0) throw new Error(`"${text}" is no pattern of values: an alternative is empty`);
  const wrong = atoms.some(({ characters, min, max }) => min > max || characters.ranges.some(([a, b]) => a > b));
  if (wrong) throw new Error(`"${text}" is no pattern of values: a range ends before it begins`);
  return atoms;
}

const known = "there are letters, digits, _, -, \\., \\d, ., [a-z], ?, *, +, {2}, {2,5} and |, no groups";

function charactersOf(text: string): Characters {
  if (text === ".") return { ranges: [], not: true };
  if (text === "\\d") return { ranges: [["0", "9"]], not: false };
  if (!text.startsWith("[")) return { ranges: [single(text.slice(-1))], not: false };
  const not = text.startsWith("[^");
  const members = text.slice(not ? 2 : 1, -1).match(new RegExp(member, "g")) ?? [];
  return { ranges: members.map(rangeOf), not };
}

function rangeOf(text: string): readonly [string, string] {
  return text.length === 3 ? [text.charAt(0), text.charAt(2)] : single(text.slice(-1));
}

function single(character: string): readonly [string, string] {
  return [character, character];
}

function timesOf(text: string, least?: string, upTo?: string, most?: string): Pick<Atom, "min" | "max"> {
  const min = least === undefined ? Number(text !== "?" && text !== "*") : Number(least);
  if (text === "" || text === "?") return { min, max: 1 };
  if (least === undefined || (upTo !== undefined && most === "")) return { min, max: longest };
  return { min, max: upTo === undefined ? min : Number(most) };
}

/** True if the whole value is as the pattern says. Takes no longer than the product of both lengths, squared. */
export function fitsPattern({ alternatives }: ValuePattern, value: string): boolean {
  return alternatives.some((atoms) => fitsSequence(atoms, value));
}

/** Goes on with all places at once that what came before may have ended at. */
function fitsSequence(atoms: readonly Atom[], value: string): boolean {
  let places = new Set([0]);
  for (const atom of atoms) places = new Set([...places].flatMap((start) => endsOf(atom, value, start)));
  return places.has(value.length);
}

function endsOf({ characters, min, max }: Atom, value: string, start: number): readonly number[] {
  const ends: number[] = min === 0 ? [start] : [];
  for (let count = 1; count <= max && isOf(characters, value.charAt(start + count - 1)); count++)
    if (count >= min) ends.push(start + count);
  return ends;
}

function isOf({ ranges, not }: Characters, character: string): boolean {
  return character !== "" && ranges.some(([from, to]) => from <= character && character <= to) !== not;
}

/** The same as a regular expression of RE2, which CEL has. */
export function regexOf({ alternatives }: ValuePattern): string {
  const texts = alternatives.map((atoms) =>
    atoms.map(({ characters, min, max }) => `${classOf(characters)}{${min},${max}}`).join(""),
  );
  return `^(${texts.join("|")})$`;
}

function classOf({ ranges, not }: Characters): string {
  if (ranges.length === 0) return ".";
  const members = ranges.map(([from, to]) => (from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`));
  return `[${not ? "^" : ""}${members.join("")}]`;
}

function escaped(character: string): string {
  return /\w/.test(character) ? character : `\\${character}`;
}

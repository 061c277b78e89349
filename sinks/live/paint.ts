export type Style = "allow" | "deny" | "warn" | "dim" | "bold";

/** Wraps text in colour, or leaves it. Colour repeats what words say, it never says anything alone. */
export type Paint = (style: Style, text: string) => string;

// ECMA-48 8.3.117, select graphic rendition.
const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  allow: [32, 39],
  deny: [31, 39],
  warn: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export const plain: Paint = (_, text) => text;

export const coloured: Paint = (style, text) => {
  const [on, off] = codes[style];
  return text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`;
};

/** Colour on terminals only; see https://no-color.org and terminfo's `dumb`. */
export function paintFor(
  isTerminal: boolean,
  environment: { readonly NO_COLOR?: string | undefined; readonly TERM?: string | undefined },
): Paint {
  const wanted = isTerminal && !environment.NO_COLOR && environment.TERM !== "dumb";
  return wanted ? coloured : plain;
}

/**
 * Makes text from elsewhere (names, labels) harmless on a terminal and one column a character: everything but printable ASCII
 * is written as an escape, so that no name can move the cursor, change colours or reverse the line.
 */
export function clean(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** `-x8k2m`: what a ReplicaSet gives its pods at the end. */
const tailLength = 6;

/** Cuts in the middle: a name begins with what it is called and ends with what tells it from its like. */
export function cutMiddle(text: string, width: number): string {
  const chars = [...text];
  if (chars.length <= width) return text;
  if (width < 3) return chars.slice(0, Math.max(0, width)).join("");
  const head = width - 1 - Math.min(tailLength, Math.floor((width - 1) / 2));
  return `${chars.slice(0, head).join("")}…${chars.slice(chars.length - (width - 1 - head)).join("")}`;
}

export function cutEnd(text: string, width: number): string {
  const chars = [...text];
  return chars.length <= width ? text : `${chars.slice(0, Math.max(0, width - 1)).join("")}…`;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - [...text].length));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - [...text].length)) + text;
}

/** `512 B`, `1.2 kB`, `34 MB`: at most seven characters, in steps of 1000. */
export function bytesText(bytes: number): string {
  const { digits, unit } = scaled(bytes, ["B", "kB", "MB", "GB", "TB", "PB"]);
  return `${digits} ${unit}`;
}

/** `7`, `1.2k`, `34M`: at most five characters. */
export function countText(count: number): string {
  const { digits, unit } = scaled(count, ["", "k", "M", "G", "T", "P"]);
  return digits + unit;
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

function scaled(value: number, units: readonly string[]): { readonly digits: string; readonly unit: string } {
  let step = 0;
  let rest = value;
  // 999.5 would be written as 1000 of the smaller unit.
  while (rest >= 999.5 && step < units.length - 1) {
    rest /= 1000;
    step++;
  }
  const digits = step > 0 && rest < 9.95 ? rest.toFixed(1) : String(Math.round(rest));
  return { digits, unit: units[step] ?? "" };
}

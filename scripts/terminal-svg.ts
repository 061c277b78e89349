import { readFileSync } from "node:fs";

// Turns what a terminal showed into a picture: node scripts/terminal-svg.ts FROM TO < recording > docs/demo.svg
// FROM and TO are the first and last line to show. The recording is what script(1) writes.

const [from, to] = process.argv.slice(2).map(Number);
const cell = { width: 8.4, height: 18 };
const margin = 16;
const colours: Readonly<Record<string, string>> = { 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341" };

// ECMA-48 8.3.117; split by it, texts and codes take turns.
const graphicRendition = new RegExp(`${String.fromCharCode(27)}\\[(\\d+)m`);
const isText = (_: string, index: number) => index % 2 === 0;

interface Style {
  readonly colour: string;
  readonly weight: string;
}

const plain: Style = { colour: "#c9d1d9", weight: "normal" };

function restyled(style: Style, code: string): Style {
  if (code in colours) return { ...style, colour: colours[code] as string };
  switch (code) {
    case "1":
      return { ...style, weight: "bold" };
    case "2":
      return { ...style, colour: "#8b949e" };
    case "22":
      return plain;
    case "39":
      return { ...style, colour: plain.colour };
    default:
      return style;
  }
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** One line as text elements; a style change begins a new one at its own column. */
function lineSvg(line: string, row: number): string {
  let style = plain;
  let column = 0;
  const y = margin + (row + 0.8) * cell.height;
  const parts = line.split(graphicRendition);
  return parts
    .map((part, index) => {
      if (index % 2 === 1) {
        style = restyled(style, part);
        return "";
      }
      const x = margin + column * cell.width;
      column += [...part].length;
      if (part.trim() === "") return "";
      return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${style.colour}" font-weight="${style.weight}">${escaped(part)}</text>`;
    })
    .join("");
}

const lines = readFileSync(0, "utf8")
  .split(/\r?\n/)
  .slice((from ?? 1) - 1, to);
const columns = Math.max(...lines.map((line) => [...line.split(graphicRendition).filter(isText).join("")].length));
const [width, height] = [2 * margin + columns * cell.width, 2 * margin + lines.length * cell.height];
console.log(
  `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${Math.ceil(height)}" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve"><title>The demo: connections with the policy that decided each</title><rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
);
for (const [row, line] of lines.entries()) console.log(lineSvg(line, row));
console.log("</svg>");

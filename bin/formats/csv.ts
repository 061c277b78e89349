import type { Cell, Column, Printer, PrinterOptions, Shape } from "./format.ts";

// RFC 4180: file => line*   line => cell ("," cell)* CRLF   cell => text | '"' (text with '"' doubled) '"'

/** Comma-separated values: every column but those that repeat others for people. */
export class Csv<T> implements Printer<T> {
  readonly #columns: readonly Column<T>[];
  readonly #options: PrinterOptions;
  #hasBegun = false;

  constructor(shape: Shape<T>, options: PrinterOptions) {
    this.#columns = shape.columns;
    this.#options = options;
  }

  async print(items: readonly T[]): Promise<void> {
    await this.#begin();
    await this.#options.output.write(items.map((item) => lineOf(this.#columns.map(({ cell }) => cell(item)))).join(""));
  }

  /** Without things there is still the header: an empty table, not an empty file. */
  end(): Promise<void> {
    return this.#begin();
  }

  async #begin(): Promise<void> {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    if (this.#options.headers) await this.#options.output.write(lineOf(this.#columns.map(({ header }) => header)));
  }
}

function lineOf(cells: readonly Cell[]): string {
  return `${cells.map(cellOf).join(",")}\r\n`;
}

function cellOf(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  const text = harmless(cell);
  return /[",\r\n\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A spreadsheet takes a text that begins so for a formula, even in quotes: labels and names come from elsewhere (OWASP, "CSV
 * Injection"). The full-width forms count for some as well.
 */
function harmless(text: string): string {
  return /^[\s]*[=+\-@\t\r\n＝＋－＠|%]/u.test(text) ? `'${text}` : text;
}

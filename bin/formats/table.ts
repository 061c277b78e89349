import { clean, padEnd, padStart } from "../../sinks/live/text.ts";
import type { Column, Printer, PrinterOptions, Shape } from "./format.ts";

/** Columns as wide as what the first print holds; no cell is cut. */
export class Table<T> implements Printer<T> {
  readonly #columns: readonly Column<T>[];
  readonly #options: PrinterOptions;
  #widths: readonly number[] | undefined;

  constructor(shape: Shape<T>, wide: boolean, options: PrinterOptions) {
    this.#columns = shape.columns.filter(({ only }) => only === undefined || (wide && only === "wide"));
    this.#options = options;
  }

  async print(items: readonly T[]): Promise<void> {
    if (items.length === 0) return;
    const rows = items.map((item) => this.#columns.map((column) => cellText(column, item)));
    const isFirst = this.#widths === undefined;
    const headers = this.#columns.map(({ header }) => header.toUpperCase());
    this.#widths ??= headers.map((header, at) =>
      rows.reduce(
        (width, row) => Math.max(width, row[at]?.text.length ?? 0),
        this.#options.headers ? header.length : 0,
      ),
    );
    const lines = rows.map((row) => this.#line(row));
    const first = rows[0] as readonly Cell[];
    const headerLine = this.#line(headers.map((text, at) => ({ text, isNumber: first[at]?.isNumber ?? false })));
    const all = isFirst && this.#options.headers ? [this.#options.paint("bold", headerLine), ...lines] : lines;
    await this.#options.output.write(all.map((line) => `${line}\n`).join(""));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  #line(cells: readonly Cell[]): string {
    const pad = ({ text, isNumber }: Cell, at: number) =>
      isNumber ? padStart(text, this.#widths?.[at] ?? 0) : padEnd(text, this.#widths?.[at] ?? 0);
    return cells.map(pad).join("  ").trimEnd();
  }
}

interface Cell {
  readonly text: string;
  readonly isNumber: boolean;
}

function cellText<T>(column: Column<T>, item: T): Cell {
  const value = column.cell(item);
  const plain = value === null || value === "" ? "-" : clean(String(value));
  return { text: column.text?.(item) ?? plain, isNumber: typeof value === "number" };
}

import type { Output } from "../../sinks/live/output.ts";
import type { Paint } from "../../sinks/live/paint.ts";

export const formatNames = ["table", "wide", "json", "jsonl", "yaml", "csv", "name"] as const;
export type FormatName = (typeof formatNames)[number];

/** How things of one kind show. */
export interface Shape<T> {
  /** For json, jsonl and yaml; keys in a fixed order. */
  readonly objectOf: (item: T) => Readonly<Record<string, unknown>>;
  /** For `-o name`: what tells it from others. */
  readonly nameOf: (item: T) => string;
  /** For table, wide and csv. */
  readonly columns: readonly Column<T>[];
}

export interface Column<T> {
  readonly header: string;
  readonly cell: (item: T) => Cell;
  /** As people read it, where that is not as programs do; made of words of ours, it is written as it is. */
  readonly text?: (item: T) => string;
  /** `wide`: not in a plain table. `csv`: for programs only. */
  readonly only?: "wide" | "csv";
}

export type Cell = string | number | boolean | null;

/** Writes things as they come. */
export interface Printer<T> {
  print(items: readonly T[]): Promise<void>;
  /** Writes what comes at the end. */
  end(): Promise<void>;
}

export interface PrinterOptions {
  readonly output: Output;
  readonly paint: Paint;
  readonly headers: boolean;
}

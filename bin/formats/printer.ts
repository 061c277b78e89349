import { Csv } from "./csv.ts";
import type { FormatName, Printer, PrinterOptions, Shape } from "./format.ts";
import { Json } from "./json.ts";
import { jsonLines, names, yamlDocuments } from "./lines.ts";
import { Table } from "./table.ts";

export function printerFor<T>(format: FormatName, shape: Shape<T>, options: PrinterOptions): Printer<T> {
  switch (format) {
    case "table":
      return new Table(shape, false, options);
    case "wide":
      return new Table(shape, true, options);
    case "json":
      return new Json(shape, options.output);
    case "jsonl":
      return jsonLines(shape, options.output);
    case "yaml":
      return yamlDocuments(shape, options.output);
    case "csv":
      return new Csv(shape, options);
    case "name":
      return names(shape, options.output);
  }
}

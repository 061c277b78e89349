import type { Shape } from "../formats/format.ts";
import { printerFor } from "../formats/printer.ts";
import { type OutputOptions, recordOutput } from "../record-options.ts";
import type { Rim } from "../rim.ts";

export async function printItems<T>(
  items: readonly T[],
  shape: Shape<T>,
  options: OutputOptions,
  rim: Rim,
): Promise<void> {
  const printer = printerFor(options.output, shape, recordOutput(options, rim));
  await printer.print(items);
  await printer.end();
}

import type { Shape } from "./formats/format.ts";
import { printerFor } from "./formats/printer.ts";
import { type RecordOptions, recordConfig, recordOutput } from "./record-options.ts";
import type { Rim } from "./rim.ts";
import type { Store } from "./store.ts";

/** Asks the store once and prints the answer; returns it. Without an answer `nothing` is told, on stderr. */
export async function printAll<T>(
  options: RecordOptions,
  rim: Rim,
  shape: Shape<T>,
  ask: (store: Store, signal: AbortSignal) => Promise<readonly T[]>,
  nothing?: string,
): Promise<readonly T[]> {
  const store = await rim.openStore(recordConfig(options, rim));
  try {
    const out = recordOutput(options, rim);
    const items = await ask(store, out.output.closed);
    const printer = printerFor(options.output, shape, out);
    await printer.print(items);
    await printer.end();
    if (items.length === 0 && nothing !== undefined) rim.note(nothing);
    return items;
  } finally {
    await store.close();
  }
}

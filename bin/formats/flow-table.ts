import { isoTime } from "../../core/clock.ts";
import type { Flow } from "../../core/records/flow.ts";
import { layoutFor } from "../../sinks/live/layout.ts";
import { rowsOf } from "../../sinks/live/row.ts";
import { headerLine, rowLines } from "../../sinks/live/table.ts";
import type { Printer, PrinterOptions } from "./format.ts";

/** Flows in the columns of the live view; `wide` has the lines about who the two are. Days are told where they change. */
export class FlowTable implements Printer<Flow> {
  readonly #options: PrinterOptions & { readonly width: number; readonly wide: boolean };
  #hasBegun = false;
  #day = "";

  constructor(options: PrinterOptions & { readonly width: number; readonly wide: boolean }) {
    this.#options = options;
  }

  async print(flows: readonly Flow[]): Promise<void> {
    const { paint, output, headers, width, wide } = this.#options;
    const layout = layoutFor(width);
    const lines = flows.flatMap((flow) => [
      ...this.#dayLine(flow),
      ...rowsOf([flow]).flatMap((row) => rowLines(row, layout, paint, wide)),
    ]);
    if (lines.length > 0 && !this.#hasBegun && headers) lines.unshift(headerLine(layout, paint));
    this.#hasBegun ||= lines.length > 0;
    await output.write(lines.map((line) => `${line}\n`).join(""));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  #dayLine({ startedAt }: Flow): readonly string[] {
    const day = isoTime(Math.floor(startedAt / 1000)).slice(0, 10);
    if (day === this.#day) return [];
    this.#day = day;
    return this.#options.headers ? [this.#options.paint("dim", `-- ${day} --`)] : [];
  }
}

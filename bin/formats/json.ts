import type { Output } from "../../sinks/live/output.ts";
import type { Printer, Shape } from "./format.ts";

/** One JSON array, an element a line. */
export class Json<T> implements Printer<T> {
  readonly #shape: Shape<T>;
  readonly #output: Output;
  #isFirst = true;

  constructor(shape: Shape<T>, output: Output) {
    this.#shape = shape;
    this.#output = output;
  }

  async print(items: readonly T[]): Promise<void> {
    for (const item of items) {
      await this.#output.write(`${this.#isFirst ? "[" : ","}\n${JSON.stringify(this.#shape.objectOf(item))}`);
      this.#isFirst = false;
    }
  }

  async end(): Promise<void> {
    await this.#output.write(this.#isFirst ? "[]\n" : "\n]\n");
  }
}

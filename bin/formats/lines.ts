import { stringify } from "yaml";
import type { Output } from "../../sinks/live/output.ts";
import { clean } from "../../sinks/live/text.ts";
import type { Printer, Shape } from "./format.ts";

// Formats in which each thing stands for itself.

/** One JSON object a line. */
export const jsonLines = <T>({ objectOf }: Shape<T>, output: Output): Printer<T> =>
  each(output, (item) => `${JSON.stringify(objectOf(item))}\n`);

/** One YAML document each. */
export const yamlDocuments = <T>({ objectOf }: Shape<T>, output: Output): Printer<T> =>
  each(output, (item) => `---\n${stringify(objectOf(item), { aliasDuplicateObjects: false })}`);

/** The name of each, a line each. */
export const names = <T>({ nameOf }: Shape<T>, output: Output): Printer<T> =>
  each(output, (item) => `${clean(nameOf(item))}\n`);

function each<T>(output: Output, textOf: (item: T) => string): Printer<T> {
  return { print: (items) => output.write(items.map(textOf).join("")), end: () => Promise.resolve() };
}

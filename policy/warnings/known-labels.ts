import { namespacePrefix, serviceAccountPrefix } from "../labels.ts";
import type { Endpoint } from "../placement.ts";
import type { Selector } from "../selector/syntax.ts";

/** How many values a message offers instead. */
const offered = 5;

/** Which values labels have anywhere, to tell what no selector can find. */
export class KnownLabels {
  readonly #values = new Map<string, Set<string>>();

  constructor(endpoints: readonly Pick<Endpoint, "labels">[]) {
    for (const { labels } of endpoints)
      for (const [label, value] of Object.entries(labels)) {
        const values = this.#values.get(label);
        if (values) values.add(value);
        else this.#values.set(label, new Set([value]));
      }
  }

  /** What the selector asks for and nobody has, in words. What it asks not to be there is left out. */
  unknown(selector: Selector): readonly string[] {
    return [...new Set(wants(selector).flatMap((want) => this.#missing(want)))];
  }

  #missing({ label, value }: Want): readonly string[] {
    const values = this.#values.get(label);
    if (values === undefined) return [`nobody has ${inWords(label)}`];
    if (value === undefined || values.has(value)) return [];
    const others = [...values].sort();
    const more = others.length > offered ? `, … (${others.length})` : "";
    return [`nobody has ${inWords(label)} "${value}"; there is ${others.slice(0, offered).join(", ")}${more}`];
  }
}

/** A label, or a value of it, without which a selector finds nobody. */
export interface Want {
  readonly label: string;
  readonly value?: string;
}

/** What a selector asks for; of what it asks not to be there nothing. */
export function wants(selector: Selector, positive = true): readonly Want[] {
  switch (selector.op) {
    case "all":
    case "global":
      return [];
    case "not":
      return wants(selector.term, !positive);
    case "and":
    case "or":
      return selector.terms.flatMap((term) => wants(term, positive));
    case "has":
    case "contains":
    case "starts with":
    case "ends with":
      return positive ? [{ label: selector.label }] : [];
    case "==":
      return positive ? [{ label: selector.label, value: selector.value }] : [];
    case "in":
      return positive ? selector.values.map((value) => ({ label: selector.label, value })) : [];
    case "!=":
      return positive ? [] : [{ label: selector.label, value: selector.value }];
    case "not in":
      return positive ? [] : selector.values.map((value) => ({ label: selector.label, value }));
  }
}

export function inWords(label: string): string {
  if (label.startsWith(namespacePrefix)) return `namespace label ${label.slice(namespacePrefix.length)}`;
  if (label.startsWith(serviceAccountPrefix))
    return `service account label ${label.slice(serviceAccountPrefix.length)}`;
  return `label ${label}`;
}

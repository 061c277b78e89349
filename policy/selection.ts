import type { Endpoint } from "./placement.ts";
import { parseSelector } from "./selector/parse.ts";
import { matches, type Selector } from "./selector/syntax.ts";

/** Endpoints by their place in the list, ascending. */
type Places = readonly number[];

/**
 * Which of these endpoints a selector selects. Nearly every selector asks for some label to have a certain value, so only
 * endpoints with that value are looked at: with 10,000 pods and 2,000 policies, most of 35 million questions are spared.
 */
export class Selection {
  readonly #endpoints: readonly Endpoint[];
  readonly #everywhere: Places;
  /** By label, then by value; a label is indexed when it is first asked for. */
  readonly #indices = new Map<string, ReadonlyMap<string, Places>>();
  readonly #found = new Map<string, Places>();

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints;
    this.#everywhere = endpoints.map((_, place) => place);
  }

  /** Places of the endpoints that a selector of a Program selects. */
  places(text: string): Places {
    const found = this.#found.get(text) ?? this.#select(parseSelector(text, Number.POSITIVE_INFINITY));
    this.#found.set(text, found);
    return found;
  }

  /** The endpoints themselves, in the same order. */
  endpoints(text: string): readonly Endpoint[] {
    return this.places(text).map((place) => this.#endpoints[place] as Endpoint);
  }

  #select(selector: Selector): Places {
    const candidates = this.#candidates(selector) ?? this.#everywhere;
    return candidates.filter((place) => matches(selector, (this.#endpoints[place] as Endpoint).labels));
  }

  /** All that may match, and perhaps more; undefined where nothing narrows them down. */
  #candidates(selector: Selector): Places | undefined {
    switch (selector.op) {
      case "==":
        return this.#having(selector.label, selector.value);
      case "in": {
        const values = new Set(selector.values);
        return [...values].flatMap((value) => this.#having(selector.label, value)).sort((a, b) => a - b);
      }
      case "and":
        return selector.terms
          .map((term) => this.#candidates(term))
          .filter((places) => places !== undefined)
          .reduce<Places | undefined>((best, next) => (best && best.length <= next.length ? best : next), undefined);
      case "all":
      case "global":
      case "has":
      case "not":
      case "or":
      case "!=":
      case "not in":
      case "contains":
      case "starts with":
      case "ends with":
        return undefined;
    }
  }

  #having(label: string, value: string): Places {
    const index = this.#indices.get(label) ?? this.#indexOf(label);
    this.#indices.set(label, index);
    return index.get(value) ?? [];
  }

  #indexOf(label: string): ReadonlyMap<string, Places> {
    const labelled = this.#everywhere.filter((place) => Object.hasOwn(this.#labelsAt(place), label));
    return Map.groupBy(labelled, (place) => this.#labelsAt(place)[label] as string);
  }

  #labelsAt(place: number): Endpoint["labels"] {
    return (this.#endpoints[place] as Endpoint).labels;
  }
}

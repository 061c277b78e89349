import { SortedMap } from "../core/sorted-map.ts";
import { LabelIndex } from "./label-index.ts";
import type { Endpoint, EndpointId } from "./placement.ts";
import { parseSelector } from "./selector/parse.ts";
import { matches, type Selector } from "./selector/syntax.ts";
import { SelectorIndex } from "./selector-index.ts";

/** What the sets that mean an endpoint take from it. */
export type Contribution = Pick<Endpoint, "addresses" | "nets" | "ports">;
/** Whom a selector selects, in order of ids. */
export type Selected = SortedMap<EndpointId, Contribution>;

/** A selector that somebody asks for. */
export interface Asked {
  readonly number: number;
  readonly text: string;
  readonly selector: Selector;
}

interface Question extends Asked {
  /** How many ask for it. */
  count: number;
  selected: Selected;
  /** Not in `selected` yet, in order of ids. */
  fresh: [EndpointId, Contribution | undefined][];
}

interface Person {
  readonly endpoint: Endpoint;
  readonly labels: Endpoint["labels"];
  /** Who selects it. */
  by: readonly Question[];
}

/** What a change of endpoints changed. */
export interface Movement {
  /** Endpoints that are new, gone, or selected by others than before. */
  readonly endpoints: ReadonlySet<EndpointId>;
  /** Selectors that select others than before, or the same with other addresses, nets or ports. */
  readonly selectors: ReadonlySet<string>;
}

/** How many changed endpoints are looked at before `fresh` is emptied: it bounds the memory of a cold start. */
const chunk = 8192;

/** Which selector selects whom, kept up to date: a change of one endpoint asks only the selectors that may mean it, and the reverse. */
export class Roster {
  readonly #people = new Map<EndpointId, Person>();
  readonly #questions = new Map<string, Question>();
  readonly #labels = new LabelIndex<Person>();
  readonly #selectors = new SelectorIndex<Question>();
  #asked = 0;

  /** From now on it is known whom this selector of a Program selects, until as many `drop` it as asked. */
  ask(text: string): void {
    const known = this.#questions.get(text);
    if (known === undefined) this.#add(text);
    else known.count += 1;
  }

  drop(text: string): void {
    const question = this.#questions.get(text);
    if (question === undefined) return;
    question.count -= 1;
    if (question.count > 0) return;
    this.#questions.delete(text);
    this.#selectors.remove(question);
    for (const id of question.selected.keys()) {
      const person = this.#people.get(id);
      if (person !== undefined) person.by = person.by.filter((other) => other !== question);
    }
  }

  /** Whom a selector selects that is asked for. */
  selected(text: string): Selected {
    const question = this.#questions.get(text);
    if (question === undefined) throw new Error(`nobody asks for the selector ${text}`);
    return question.selected;
  }

  endpoint(id: EndpointId): Endpoint | undefined {
    return this.#people.get(id)?.endpoint;
  }

  /** The selectors that select an endpoint. */
  selectorsOf(id: EndpointId): readonly Asked[] {
    return this.#people.get(id)?.by ?? [];
  }

  /** Takes changed endpoints in; undefined is gone. */
  update(changes: ReadonlyMap<EndpointId, Endpoint | undefined>): Movement {
    const sorted = [...changes].sort(([a], [b]) => (a < b ? -1 : 1));
    const [endpoints, selectors] = [new Set<EndpointId>(), new Set<string>()];
    for (let from = 0; from < sorted.length; from += chunk) {
      const touched = new Set<Question>();
      for (const [id, endpoint] of sorted.slice(from, from + chunk))
        if (this.#move(id, endpoint, touched)) endpoints.add(id);
      for (const question of touched) {
        question.selected = question.selected.withSorted(question.fresh);
        question.fresh = [];
        selectors.add(question.text);
      }
    }
    return { endpoints, selectors };
  }

  /** True if others select it than before. */
  #move(id: EndpointId, endpoint: Endpoint | undefined, touched: Set<Question>): boolean {
    const before = this.#people.get(id);
    const by = endpoint === undefined ? [] : this.#askAll(endpoint);
    const same = before !== undefined && endpoint !== undefined && contributesAlike(before.endpoint, endpoint);
    const note = (question: Question, contribution: Contribution | undefined) => {
      question.fresh.push([id, contribution]);
      touched.add(question);
    };
    const had = new Set(before?.by);
    for (const question of by) if (!had.delete(question) || !same) note(question, endpoint);
    for (const lost of had) note(lost, undefined);
    if (before !== undefined) this.#labels.remove(before);
    if (endpoint === undefined) return this.#people.delete(id);
    const person = { endpoint, labels: endpoint.labels, by };
    this.#people.set(id, person);
    this.#labels.add(person);
    return before === undefined || had.size > 0 || by.length !== before.by.length;
  }

  #askAll({ labels }: Endpoint): readonly Question[] {
    const by: Question[] = [];
    this.#selectors.visit(labels, (question) => {
      if (matches(question.selector, labels) && !by.includes(question)) by.push(question);
    });
    return by;
  }

  #add(text: string): void {
    const selector = parseSelector(text, Number.POSITIVE_INFINITY);
    const found = new Map<EndpointId, Contribution>();
    const question: Question = {
      number: this.#asked++,
      text,
      selector,
      count: 1,
      selected: SortedMap.empty(),
      fresh: [],
    };
    for (const person of this.#labels.candidates(selector)) {
      if (found.has(person.endpoint.id) || !matches(selector, person.labels)) continue;
      found.set(person.endpoint.id, person.endpoint);
      person.by = [...person.by, question];
    }
    question.selected = question.selected.with(found);
    this.#questions.set(text, question);
    for (const { label } of this.#selectors.add(question)) this.#labels.prepare(label);
  }
}

function contributesAlike(a: Contribution, b: Contribution): boolean {
  return (
    sameList(a.addresses, b.addresses, (address) => address) &&
    sameList(a.nets, b.nets, ({ text }) => text) &&
    sameList(a.ports, b.ports, ({ name, protocol, port }) => `${name} ${protocol} ${port}`)
  );
}

function sameList<T>(a: readonly T[], b: readonly T[], textOf: (item: T) => string): boolean {
  return a.length === b.length && a.every((item, place) => textOf(item) === textOf(b[place] as T));
}

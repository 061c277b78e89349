import { Multimap } from "../core/multimap.ts";
import { type SortedChanges, SortedMap } from "../core/sorted-map.ts";
import { LabelIndex } from "./label-index.ts";
import type { Endpoint, EndpointId } from "./placement.ts";
import { parseSelector } from "./selector/parse.ts";
import { type Labels, matches, type Selector } from "./selector/syntax.ts";
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
  /** Not in `selected` yet. */
  readonly fresh: { readonly keys: EndpointId[]; readonly values: (Contribution | undefined)[] };
}

/** All endpoints of the same labels, which are one object then: as a rule the pods of a workload. Selectors are asked about it once. */
interface Kin {
  readonly labels: Labels;
  /** Who selects it. */
  by: readonly Question[];
}

/** Undefined is gone. */
export type EndpointChanges = SortedChanges<EndpointId, Endpoint>;

/** What a change of endpoints changed. */
export interface Movement {
  /** Endpoints that are new, gone, or selected by others than before. */
  readonly endpoints: ReadonlySet<EndpointId>;
  /** Selectors that select others than before, or the same with other addresses, nets or ports. */
  readonly selectors: ReadonlySet<string>;
}

/** Which selector selects whom, kept up to date: a change of one endpoint asks only the selectors that may mean it, and the reverse. */
export class Roster {
  readonly #people = new Map<EndpointId, Endpoint>();
  readonly #kin = new Map<Labels, Kin>();
  readonly #membersOf = new Multimap<Kin, Endpoint>();
  readonly #questions = new Map<string, Question>();
  readonly #labels = new LabelIndex<Kin>();
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
      const kin = this.#kinOf(this.#people.get(id));
      if (kin?.by.includes(question)) kin.by = kin.by.filter((other) => other !== question);
    }
  }

  /** Whom a selector selects that is asked for. */
  selected(text: string): Selected {
    const question = this.#questions.get(text);
    if (question === undefined) throw new Error(`nobody asks for the selector ${text}`);
    return question.selected;
  }

  endpoint(id: EndpointId): Endpoint | undefined {
    return this.#people.get(id);
  }

  /** The selectors that select an endpoint: the very same list for all who have the same labels, until it is another. */
  selectorsOf(id: EndpointId): readonly Asked[] {
    return this.#kinOf(this.#people.get(id))?.by ?? [];
  }

  /** Takes changed endpoints in. */
  update({ keys, values }: EndpointChanges): Movement {
    const [endpoints, touched] = [new Set<EndpointId>(), new Set<Question>()];
    for (const [place, id] of keys.entries()) if (this.#move(id, values[place], touched)) endpoints.add(id);
    for (const question of touched) {
      question.selected = question.selected.withSorted(question.fresh);
      question.fresh.keys.length = question.fresh.values.length = 0;
    }
    return { endpoints, selectors: new Set([...touched].map(({ text }) => text)) };
  }

  /** True if others select it than before. */
  #move(id: EndpointId, endpoint: Endpoint | undefined, touched: Set<Question>): boolean {
    const before = this.#people.get(id);
    if (before === endpoint) return false;
    // It joins first: its kin may be itself alone.
    const by = this.#join(id, endpoint);
    const had = this.#leave(before);
    const same = before !== undefined && endpoint !== undefined && contributesAlike(before, endpoint);
    for (const question of by) if (!same || !had.includes(question)) note(question, id, endpoint, touched);
    const lost = had === by ? [] : had.filter((question) => !by.includes(question));
    for (const question of lost) note(question, id, undefined, touched);
    return before === undefined || endpoint === undefined || lost.length > 0 || by.length !== had.length;
  }

  /** Who selects it now. */
  #join(id: EndpointId, endpoint: Endpoint | undefined): readonly Question[] {
    if (endpoint === undefined) {
      this.#people.delete(id);
      return [];
    }
    const kin = this.#kinOf(endpoint) ?? this.#addKin(endpoint.labels);
    this.#people.set(id, endpoint);
    this.#membersOf.add(kin, endpoint);
    return kin.by;
  }

  /** Who selected it. */
  #leave(endpoint: Endpoint | undefined): readonly Question[] {
    const kin = this.#kinOf(endpoint);
    if (kin === undefined || endpoint === undefined) return [];
    this.#membersOf.delete(kin, endpoint);
    if (this.#membersOf.has(kin)) return kin.by;
    this.#kin.delete(kin.labels);
    this.#labels.remove(kin);
    return kin.by;
  }

  #kinOf(endpoint: Endpoint | undefined): Kin | undefined {
    return endpoint && this.#kin.get(endpoint.labels);
  }

  #addKin(labels: Labels): Kin {
    const by: Question[] = [];
    this.#selectors.visit(labels, (question) => {
      if (matches(question.selector, labels) && !by.includes(question)) by.push(question);
    });
    const kin: Kin = { labels, by: by.slice() };
    this.#kin.set(labels, kin);
    this.#labels.add(kin);
    return kin;
  }

  #add(text: string): void {
    const selector = parseSelector(text, Number.POSITIVE_INFINITY);
    const question: Question = {
      number: this.#asked++,
      text,
      selector,
      count: 1,
      selected: SortedMap.empty(),
      fresh: { keys: [], values: [] },
    };
    const found = new Map<EndpointId, Contribution>();
    for (const kin of new Set(this.#labels.candidates(selector))) {
      if (!matches(selector, kin.labels)) continue;
      for (const endpoint of this.#membersOf.get(kin)) found.set(endpoint.id, endpoint);
      kin.by = [...kin.by, question];
    }
    question.selected = question.selected.with(found);
    this.#questions.set(text, question);
    for (const { label } of this.#selectors.add(question)) this.#labels.prepare(label);
  }
}

function note(
  question: Question,
  id: EndpointId,
  contribution: Contribution | undefined,
  touched: Set<Question>,
): void {
  question.fresh.keys.push(id);
  question.fresh.values.push(contribution);
  touched.add(question);
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

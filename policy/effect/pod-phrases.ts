import { inNamespace, isPod, namespacePrefix } from "../labels.ts";
import type { Endpoint } from "../placement.ts";
import { conjunction, type Selector } from "../selector/syntax.ts";
import { LabelBook, ownLabel } from "./label-book.ts";
import { listed } from "./words.ts";

/** Some pods in words. */
export interface Phrase {
  /** e.g. `pods of namespace dev`, `app=web in shop` */
  readonly words: string;
  readonly pods: number;
  /** Selects exactly the pods, among all there are; null where they are named instead. */
  readonly selector: Selector | null;
}

/** More than these are no help to anybody. */
const maxValues = 4;
const maxNames = 3;
const maxNamespaces = 6;
const maxPhrases = 5;

/** Says who some pods are, by namespaces and labels where these tell them from all others, else by name. */
export class PodPhrases {
  readonly #all: readonly Endpoint[];
  readonly #byNamespace: ReadonlyMap<string, readonly Endpoint[]>;
  readonly #books = new Map<string, LabelBook>();

  constructor(pods: readonly Endpoint[]) {
    this.#all = pods;
    this.#byNamespace = byNamespace(pods);
  }

  /** None for no pods. Together exactly these, each in one phrase. */
  of(some: readonly Endpoint[]): readonly Phrase[] {
    if (some.length === 0) return [];
    const one = this.#everywhere(some) ?? this.#atOnce(some);
    if (one !== undefined) return [one];
    const pieces = this.#pieces(some);
    const butFor = this.#allBut(some, pieces?.length ?? maxPhrases + 1);
    return butFor !== undefined ? [butFor] : (pieces ?? [named(some)]);
  }

  #everywhere(some: readonly Endpoint[]): Phrase | undefined {
    return some.length === this.#all.length ? phrase("all pods", some, isPod) : undefined;
  }

  /** All pods of some namespaces. */
  #namespaces(some: readonly Endpoint[]): Phrase | undefined {
    const names = [...byNamespace(some).keys()].sort();
    if (names.reduce((sum, name) => sum + this.#sizeOf(name), 0) !== some.length) return undefined;
    const label = names.length === 1 ? undefined : this.#namespaceLabel(some);
    if (label !== undefined) return phrase(`pods of namespaces with ${label.words}`, some, label.selector);
    return names.length > maxNamespaces ? undefined : wholeNamespaces(names, some);
  }

  /** By namespaces or by a label, if one of these says it all. */
  #atOnce(some: readonly Endpoint[]): Phrase | undefined {
    const isOfOne = new Set(some.map(({ namespace }) => namespace)).size === 1;
    const label = () => this.#labelled(some) ?? this.#labelledInNamespaces(some);
    return this.#namespaces(some) ?? (isOfOne ? undefined : label());
  }

  /** All pods but a few, if saying who these are takes fewer phrases than `most`. */
  #allBut(some: readonly Endpoint[], most: number): Phrase | undefined {
    const meant = new Set(some);
    const others = this.#all.filter((pod) => !meant.has(pod));
    if (others.length > some.length) return undefined;
    const once = this.#atOnce(others);
    const rest = once === undefined ? this.#pieces(others) : [once];
    if (rest === undefined || rest.length >= most) return undefined;
    const terms = rest.map(({ selector }) => selector).filter((selector) => selector !== null);
    const selector = terms.length < rest.length ? null : conjunction([isPod, ...terms.map(not)]);
    return phrase(`all pods but ${listed(rest.map(({ words }) => words))}`, some, selector);
  }

  #labelled(some: readonly Endpoint[]): Phrase | undefined {
    const found = this.#book("", this.#all).tellsApart(some);
    if (found === undefined || found.values.length > maxValues) return undefined;
    return phrase(labelWords(found), some, conjunction([isPod, labelSelector(found)]));
  }

  /** A label of the pods within all namespaces that have a label. */
  #labelledInNamespaces(some: readonly Endpoint[]): Phrase | undefined {
    const spaces = new Set(some.map(({ namespace }) => namespace));
    const around = this.#all.filter(({ namespace }) => spaces.has(namespace));
    const where = this.#namespaceLabel(around);
    const found = where && this.#book(`in ${where.words}`, around).tellsApart(some);
    if (where === undefined || found === undefined || found.values.length > maxValues) return undefined;
    const words = `${labelWords(found)} in namespaces with ${where.words}`;
    return phrase(words, some, conjunction([where.selector, labelSelector(found)]));
  }

  /** Whole namespaces first, then parts of namespaces; undefined if it takes too many phrases. */
  #pieces(some: readonly Endpoint[]): readonly Phrase[] | undefined {
    const [whole, parts] = divided([...byNamespace(some)], ([name, pods]) => pods.length === this.#sizeOf(name));
    const spoken = parts.map(([name, pods]) => ({ pods, phrase: this.#inNamespace(name, pods) }));
    const silent = spoken.flatMap(({ phrase, pods }) => (phrase === undefined ? pods : []));
    const pieces = [
      ...(whole.length === 0
        ? []
        : [
            wholeNamespaces(
              whole.map(([name]) => name),
              whole.flatMap(([, pods]) => pods),
            ),
          ]),
      ...spoken.flatMap(({ phrase }) => (phrase === undefined ? [] : [phrase])),
      ...(silent.length === 0 ? [] : [named(silent)]),
    ];
    return pieces.length > maxPhrases ? undefined : pieces;
  }

  #inNamespace(name: string, some: readonly Endpoint[]): Phrase | undefined {
    const all = this.#byNamespace.get(name) ?? [];
    const book = this.#book(`of ${name}`, all);
    const having = book.tellsApart(some);
    const meant = new Set(some);
    const lacking = book.tellsApart(all.filter((pod) => !meant.has(pod)));
    const [few, many] = [
      having?.values.length ?? Number.POSITIVE_INFINITY,
      lacking?.values.length ?? Number.POSITIVE_INFINITY,
    ];
    if (Math.min(few, many) > maxValues) return undefined;
    if (having !== undefined && few <= many)
      return phrase(`${labelWords(having)} in ${name}`, some, conjunction([inNamespace(name), labelSelector(having)]));
    if (lacking === undefined) return undefined;
    const without = conjunction([inNamespace(name), not(labelSelector(lacking))]);
    return phrase(`pods of ${name} but ${labelWords(lacking)}`, some, without);
  }

  #namespaceLabel(some: readonly Endpoint[]): { readonly words: string; readonly selector: Selector } | undefined {
    const isOfNamespace = (label: string) => label.startsWith(namespacePrefix) && !/\/(metadata\.)?name$/.test(label);
    const found = this.#book("namespaces", this.#all, isOfNamespace).tellsApart(some);
    if (found === undefined || found.values.length > maxValues) return undefined;
    const words = labelWords({ ...found, label: found.label.slice(namespacePrefix.length) });
    return { words, selector: labelSelector(found) };
  }

  #sizeOf(namespace: string): number {
    return this.#byNamespace.get(namespace)?.length ?? 0;
  }

  #book(name: string, pods: readonly Endpoint[], isWanted = ownLabel): LabelBook {
    const book = this.#books.get(name) ?? new LabelBook(pods, isWanted);
    this.#books.set(name, book);
    return book;
  }
}

function byNamespace(pods: readonly Endpoint[]): ReadonlyMap<string, readonly Endpoint[]> {
  return Map.groupBy(pods, ({ namespace }) => namespace ?? "");
}

function phrase(words: string, pods: readonly Endpoint[], selector: Selector | null): Phrase {
  return { words, pods: pods.length, selector };
}

function wholeNamespaces(names: readonly string[], pods: readonly Endpoint[]): Phrase {
  const words = `pods of namespace${names.length === 1 ? "" : "s"} ${listed(names.toSorted(), maxNamespaces)}`;
  const terms = names.map(inNamespace);
  return phrase(words, pods, terms.length === 1 ? (terms[0] ?? null) : { op: "or", terms });
}

/** Of many it is said how many namespaces they are of. */
function named(pods: readonly Endpoint[]): Phrase {
  const words = listed(pods.map(({ namespace, name }) => `${namespace}/${name}`).sort(), maxNames);
  const namespaces = byNamespace(pods).size;
  const isLong = pods.length > maxNames && namespaces > 1;
  return phrase(isLong ? `pods of ${namespaces} namespaces, ${words}` : words, pods, null);
}

type Label = { readonly label: string; readonly values: readonly string[] };

function labelWords({ label, values }: Label): string {
  return values.length === 1 ? `${label}=${values[0]}` : `${label} in (${values.join(", ")})`;
}

function labelSelector({ label, values }: Label): Selector {
  const [first = ""] = values;
  return values.length === 1 ? { op: "==", label, value: first } : { op: "in", label, values };
}

function not(term: Selector): Selector {
  return { op: "not", term };
}

function divided<T>(items: readonly T[], test: (item: T) => boolean): readonly [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

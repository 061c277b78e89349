import type { NftElement } from "../../core/netlink/nft-event.ts";
import type { Element } from "../element.ts";
import type { Command, Name, Ruleset, Transaction } from "../ruleset.ts";
import { elementOfKey } from "./element-of-key.ts";
import type { TableEvent, Tampering } from "./table-event.ts";

/**
 * The least that undoes what others did, so that counters and what else the table has learned stay, and little time is lost;
 * undefined if only writing everything anew does it: objects of ours are gone, or not all is known.
 */
export function mending(wanted: Ruleset, tamperings: readonly Tampering[]): Transaction | undefined {
  if (tamperings.some(isBeyondMending)) return undefined;
  const draft = new Mending(wanted);
  const isSmall = tamperings.every(({ events }) => events.every((event) => draft.take(event)));
  return isSmall ? draft.transaction() : undefined;
}

/** Whatever is wanted, it takes everything. */
export function isBeyondMending({ events, omitted }: Tampering): boolean {
  return omitted > 0 || events.some(({ what }) => what === "table");
}

/** What text.ts takes for a name. */
const isName = (text: string) => /^[a-z][a-z0-9_]{0,62}$/.test(text);

class Mending {
  readonly #wanted: Ruleset;
  readonly #chains = new Set<Name>();
  /** What others added. */
  readonly #strangers = new Map<Name, "chain" | "set" | "counter">();
  /** Of sets and maps: which elements were touched, and whether they are there now. */
  readonly #elements = new Map<Name, Map<Element, boolean>>();

  constructor(wanted: Ruleset) {
    this.#wanted = wanted;
  }

  /** False if it cannot be mended in part. */
  take(event: TableEvent): boolean {
    if (event.what === "rule") return this.#takeRule(event.chain as Name);
    if (event.what === "elements") return this.#takeElements(event.set as Name, event.elements, event.gone);
    if (event.what === "table" || event.what === "flowtable") return false;
    return this.#takeObject(event.what === "object" ? "counter" : event.what, event.name, event.gone);
  }

  transaction(): Transaction {
    const chains = [...this.#chains].flatMap((chain): Command[] => {
      const rules = this.#wanted.chains.get(chain)?.rules ?? [];
      return [
        { verb: "flush-chain", chain },
        ...(rules.length > 0 ? [{ verb: "add-rules" as const, chain, rules }] : []),
      ];
    });
    const elements = [...this.#elements].flatMap(([name, touched]) => [
      ...this.#setCommands(name, touched),
      ...this.#mapCommands(name, touched),
    ]);
    const strangers = [...this.#strangers].map(([name, what]): Command => ({ verb: `delete-${what}`, name }));
    return [...chains, ...elements, ...strangers];
  }

  #takeRule(chain: Name): boolean {
    if (!this.#wanted.chains.has(chain) && !this.#strangers.has(chain)) return false;
    this.#chains.add(chain);
    return true;
  }

  /** Something that is not ours goes, once no rule refers to it. If nft knows it for something else, it refuses. */
  #takeObject(what: "chain" | "set" | "counter", text: string, gone: boolean): boolean {
    const { chains, sets, maps, counters } = this.#wanted;
    const name = text as Name;
    const isOurs = [chains, sets, maps, counters].some((objects) => objects.has(name));
    if (gone || isOurs || !isName(text)) return false;
    if (what === "chain") this.#chains.add(name);
    this.#strangers.set(name, what);
    return true;
  }

  #takeElements(name: Name, elements: readonly NftElement[], gone: boolean): boolean {
    if (this.#strangers.has(name)) return true;
    const header = this.#wanted.sets.get(name) ?? this.#wanted.maps.get(name);
    if (header === undefined || ("flag" in header && header.flag === "interval")) return false;
    const touched = this.#elements.get(name) ?? new Map<Element, boolean>();
    this.#elements.set(name, touched);
    return elements.every(({ key }) => {
      const element = elementOfKey(key, header.type);
      if (element !== undefined) touched.set(element, !gone);
      return element !== undefined;
    });
  }

  /** Elements with a timeout are not ours to put back: nobody but their owner knows how long they were to stay. */
  #setCommands(name: Name, touched: ReadonlyMap<Element, boolean>): Command[] {
    const set = this.#wanted.sets.get(name);
    if (set === undefined) return [];
    const foreign = [...touched].filter(([element, isThere]) => isThere && !set.elements.has(element));
    const lost = [...touched].filter(([element, isThere]) => !isThere && set.elements.has(element));
    const commands: Command[] = [
      { verb: "delete-elements", set: name, elements: foreign.map(([element]) => element) },
      { verb: "add-elements", set: name, elements: lost.map(([element]) => element) },
    ];
    return commands.filter((command) => "elements" in command && command.elements.length > 0);
  }

  /** What is there may point elsewhere by now. */
  #mapCommands(name: Name, touched: ReadonlyMap<Element, boolean>): Command[] {
    const map = this.#wanted.maps.get(name);
    if (map === undefined) return [];
    const keys = [...touched].filter(([, isThere]) => isThere).map(([key]) => key);
    const entries = new Map([...map.entries].filter(([key]) => touched.has(key)));
    return [
      ...(keys.length > 0 ? [{ verb: "delete-entries" as const, map: name, keys }] : []),
      ...(entries.size > 0 ? [{ verb: "add-entries" as const, map: name, entries }] : []),
    ];
  }
}

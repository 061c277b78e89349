import type { NftElement } from "../../core/netlink/nft-event.ts";
import type { Element } from "../element.ts";
import type { Command, Name, Ruleset, Transaction } from "../ruleset.ts";
import { elementOfKey } from "./element-of-key.ts";
import type { TableEvent, Tampering } from "./table-event.ts";

/**
 * The least that undoes what others did to rules and elements, so that counters and what else the table has learned stay;
 * undefined if only writing everything anew does it: other objects came or went, or not all is known.
 */
export function mending(wanted: Ruleset, tamperings: readonly Tampering[]): Transaction | undefined {
  const draft = new Mending(wanted);
  const isSmall = tamperings.every(
    ({ events, omitted }) => omitted === 0 && events.every((event) => draft.take(event)),
  );
  return isSmall ? draft.transaction() : undefined;
}

class Mending {
  readonly #wanted: Ruleset;
  readonly #chains = new Set<Name>();
  /** Of sets and maps: which elements were touched, and whether they are there now. */
  readonly #elements = new Map<Name, Map<Element, boolean>>();

  constructor(wanted: Ruleset) {
    this.#wanted = wanted;
  }

  /** False if it cannot be mended in part. */
  take(event: TableEvent): boolean {
    if (event.what === "rule") return this.#takeRule(event.chain as Name);
    return event.what === "elements" && this.#takeElements(event.set as Name, event.elements, event.gone);
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
    return [...chains, ...elements];
  }

  #takeRule(chain: Name): boolean {
    if (!this.#wanted.chains.has(chain)) return false;
    this.#chains.add(chain);
    return true;
  }

  #takeElements(name: Name, elements: readonly NftElement[], gone: boolean): boolean {
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

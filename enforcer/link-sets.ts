import { type Address, type Family, familyOf } from "../core/address.ts";
import { addressType, families, shared } from "./base-chains.ts";
import type { Problem } from "./draft.ts";
import { addressElement, concatenation, type Element, interfaceElement, isInterfaceName } from "./element.ts";
import type { Links } from "./interfaces.ts";
import type { NamedSet } from "./ruleset.ts";

interface LinkedSets {
  readonly sets: readonly NamedSet[];
  readonly problems: readonly Problem[];
}

/** An address that is behind an interface. */
interface Linked {
  readonly name: string;
  readonly family: Family;
  readonly address: Element;
  /** Undefined: nft may not see the interface's name. */
  readonly binding: Element | undefined;
  readonly isPods: boolean;
}

/** Who is behind which interface, as sets; followed from one state to the next, of which most is the same. */
export class LinkSets {
  readonly #podInterfaces: readonly string[];
  #linked: ReadonlyMap<Address, Linked> = new Map();
  #told: { readonly links: Links; readonly sets: LinkedSets } | undefined;

  /** How names of interfaces begin behind which there are pods. */
  constructor(podInterfaces: readonly string[]) {
    this.#podInterfaces = podInterfaces;
  }

  of(links: Links): LinkedSets {
    if (this.#told?.links === links) return this.#told.sets;
    const before = this.#linked;
    this.#linked = new Map(
      [...links.behind].map(([address, name]) => {
        const known = before.get(address);
        return [address, known?.name === name ? known : this.#link(address, name)];
      }),
    );
    this.#told = { links, sets: setsOf([...this.#linked.values()]) };
    return this.#told.sets;
  }

  #link(one: Address, name: string): Linked {
    const address = addressElement(one);
    const binding = isInterfaceName(name) ? concatenation(interfaceElement(name), address) : undefined;
    const isPods = this.#podInterfaces.some((prefix) => name.startsWith(prefix));
    return { name, family: familyOf(one), address, binding, isPods };
  }
}

function setsOf(linked: readonly Linked[]): LinkedSets {
  const problems = linked.flatMap(({ name, binding }): Problem[] => {
    const sentence = "is an interface name that nft may not see: what comes from it is denied";
    return binding === undefined ? [{ subject: JSON.stringify(name), sentence }] : [];
  });
  const sets = families.flatMap((family): NamedSet[] => {
    const own = linked.filter((one) => one.family === family);
    const bindings = new Set(own.flatMap(({ binding }) => binding ?? []));
    // A gateway may be behind another interface than the one that the route to it names.
    const bound = new Set(own.flatMap(({ address, isPods }) => (isPods ? address : [])));
    return [
      { name: shared.bindings(family), type: ["ifname", addressType(family)], flag: null, elements: bindings },
      { name: shared.bound(family), type: [addressType(family)], flag: null, elements: bound },
    ];
  });
  return { sets, problems };
}

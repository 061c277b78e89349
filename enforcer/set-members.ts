import { type Address, type Cidr, type Family, familyOf } from "../core/address.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { Endpoint, Members } from "../policy/placement.ts";
import { holdsPorts, type SetDefinition } from "../policy/program.ts";
import type { SetPart } from "./draft.ts";
import { addressElement, concatenation, type Element, numberElement } from "./element.ts";
import { addressIntervals } from "./ranges.ts";

type Contribution = Pick<Endpoint, "addresses" | "nets" | "ports">;

/** Elements that came and went since this was last asked; what came and went again is in neither. */
export interface ElementChange {
  readonly come: readonly Element[];
  readonly gone: readonly Element[];
}

/**
 * The elements of one set of a Program in both families, followed from Members to Members at the cost of what has changed: a
 * set of 50,000 pods is not gone through because one comes. Single addresses, CIDRs and ports are kept apart.
 */
export class SetMembers {
  readonly #definition: SetDefinition;
  readonly #parts = {
    4: { addresses: new Counted(), ports: new Counted() },
    6: { addresses: new Counted(), ports: new Counted() },
  };
  readonly #nets = new Map<string, { readonly cidr: Cidr; count: number }>();
  readonly #intervals: Record<Family, Intervals> = { 4: new Intervals(4), 6: new Intervals(6) };
  #members: Members | undefined;

  constructor(definition: SetDefinition) {
    this.#definition = definition;
  }

  get hasNets(): boolean {
    return this.#nets.size > 0;
  }

  elements(family: Family, part: SetPart): ReadonlySet<Element> {
    return part === "nets" ? this.#intervals[family].elements : this.#parts[family][part].elements;
  }

  take(family: Family, part: SetPart): ElementChange {
    return part === "nets" ? this.#intervals[family].take() : this.#parts[family][part].take();
  }

  /** True if it holds CIDRs now and did not, or the reverse. */
  follow(members: Members): boolean {
    if (members === this.#members) return false;
    const had = this.hasNets;
    const before = this.#members;
    this.#members = members;
    if (members.from !== undefined && (before === undefined || before.from !== undefined))
      this.#followEndpoints(before?.from ?? SortedMap.empty(), members.from);
    else {
      if (before !== undefined) this.#add(bare(before), -1);
      this.#add(bare(members), 1);
    }
    for (const family of [4, 6] as const) this.#intervals[family].use(this.#nets);
    return had !== this.hasNets;
  }

  #followEndpoints(older: NonNullable<Members["from"]>, newer: NonNullable<Members["from"]>): void {
    for (const { before, after } of newer.differences(older)) {
      // What comes is counted first, so that what stays is never gone in between.
      if (after !== undefined) this.#add(this.#of(after), 1);
      if (before !== undefined) this.#add(this.#of(before), -1);
    }
  }

  #of({ addresses, nets, ports }: Contribution): Bare {
    if (!holdsPorts(this.#definition)) return { addresses, cidrs: nets, ports: [] };
    const name = this.#definition.kind === "port" ? this.#definition.port : null;
    const named = ports.filter((port) => port.name === name);
    const all = addresses.flatMap((address) => named.map(({ protocol, port }) => ({ address, protocol, port })));
    return { addresses: [], cidrs: [], ports: all };
  }

  #add({ addresses, cidrs, ports }: Bare, by: 1 | -1): void {
    for (const address of addresses) this.#parts[familyOf(address)].addresses.add(addressElement(address), by);
    for (const cidr of cidrs) this.#addNet(cidr, by);
    for (const port of ports) if (isPort(port)) this.#parts[familyOf(port.address)].ports.add(portElement(port), by);
  }

  #addNet(cidr: Cidr, by: 1 | -1): void {
    const net = this.#nets.get(cidr.text) ?? { cidr, count: 0 };
    net.count += by;
    if (net.count === 0) this.#nets.delete(cidr.text);
    else this.#nets.set(cidr.text, net);
    this.#intervals[cidr.family].isStale = true;
  }
}

/** The intervals of some CIDRs. They are few, and put together anew when they change. */
class Intervals {
  readonly #family: Family;
  elements: ReadonlySet<Element> = new Set();
  isStale = false;
  #told: ReadonlySet<Element> = new Set();

  constructor(family: Family) {
    this.#family = family;
  }

  use(nets: ReadonlyMap<string, { readonly cidr: Cidr }>): void {
    if (!this.isStale) return;
    this.isStale = false;
    this.elements = addressIntervals(
      this.#family,
      [...nets.values()].map(({ cidr }) => cidr),
    );
  }

  take(): ElementChange {
    const [was, is] = [this.#told, this.elements];
    this.#told = is;
    if (was === is) return nothing;
    return { come: [...is].filter((one) => !was.has(one)), gone: [...was].filter((one) => !is.has(one)) };
  }
}

/** Elements, some of which several bring. Most sets have none in some part, so what is seldom needed is made when it is. */
class Counted {
  #elements: Set<Element> | undefined;
  /** How many bring it beyond the first. */
  #more: Map<Element, number> | undefined;
  #come: Set<Element> | undefined;
  #gone: Set<Element> | undefined;
  /** Until it is asked for the first time all of it is news, and need not be noted. */
  #isTold = false;

  get elements(): ReadonlySet<Element> {
    return this.#elements ?? none;
  }

  add(element: Element, by: 1 | -1): void {
    if (by === 1) {
      this.#enter(element);
      return;
    }
    const more = this.#more?.get(element) ?? 0;
    if (more > 1) this.#setMore(element, more - 1);
    else if (more === 1) this.#more?.delete(element);
    else this.#leave(element);
  }

  take(): ElementChange {
    if (!this.#isTold) {
      this.#isTold = true;
      return this.elements.size === 0 ? nothing : { come: [...this.elements], gone: [] };
    }
    const [come, gone] = [this.#come, this.#gone];
    if ((come?.size ?? 0) + (gone?.size ?? 0) === 0) return nothing;
    [this.#come, this.#gone] = [undefined, undefined];
    return { come: [...(come ?? [])], gone: [...(gone ?? [])] };
  }

  #setMore(element: Element, more: number): void {
    this.#more ??= new Map();
    this.#more.set(element, more);
  }

  #enter(element: Element): void {
    this.#elements ??= new Set();
    const { size } = this.#elements;
    if (this.#elements.add(element).size === size) this.#setMore(element, (this.#more?.get(element) ?? 0) + 1);
    else if (this.#isTold && !this.#gone?.delete(element)) this.#come = (this.#come ?? new Set()).add(element);
  }

  #leave(element: Element): void {
    if (this.#elements?.delete(element) !== true || !this.#isTold) return;
    if (!this.#come?.delete(element)) this.#gone = (this.#gone ?? new Set()).add(element);
  }
}

const none: ReadonlySet<Element> = new Set();
const nothing: ElementChange = { come: [], gone: [] };

interface Bare {
  readonly addresses: readonly Address[];
  readonly cidrs: readonly Cidr[];
  readonly ports: Members["ports"];
}

const bare = ({ addresses, cidrs, ports }: Members): Bare => ({ addresses, cidrs, ports });

type Port = Members["ports"][number];

function portElement({ address, protocol, port }: Port): Element {
  return concatenation(addressElement(address), numberElement(protocol, 255), numberElement(port, 65_535));
}

/** A port that no header can hold matches no packet. */
function isPort({ protocol, port }: Port): boolean {
  return isWithin(protocol, 255) && isWithin(port, 65_535);
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

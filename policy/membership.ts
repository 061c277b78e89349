import { type Address, cidrOf, familyOf, widthOf } from "../core/address.ts";
import { PrefixTable } from "../core/prefix-table.ts";
import type { Identity } from "./identity.ts";
import type { Endpoint, NamedPort, Placement } from "./placement.ts";
import type { Program, SetDefinition, SetId } from "./program.ts";
import { parseSelector } from "./selector/parse.ts";
import { partlyMatches, type Truth } from "./selector/partial.ts";
import { matches, type Selector } from "./selector/syntax.ts";

/** Who is in which set of a Program, by who he was: pods by their labels of the time, all others by their addresses. */
export class Membership {
  readonly #program: Program;
  readonly #placement: Placement;
  readonly #selectors = new Map<string, Selector>();
  readonly #fixed = new Map<SetId, Fixed>();
  readonly #known = new WeakMap<Identity, Map<SetId, Truth>>();

  constructor(program: Program, placement: Placement) {
    this.#program = program;
    this.#placement = placement;
  }

  #isSelected(text: string, end: Identity): Truth {
    return partlyMatches(this.#selector(text), end);
  }

  has(id: SetId, end: Identity): Truth {
    const known = this.#known.get(end) ?? new Map<SetId, Truth>();
    this.#known.set(end, known);
    const found = known.get(id);
    if (found !== undefined) return found;
    const truth = this.#isMember(id, this.#definition(id), end);
    known.set(id, truth);
    return truth;
  }

  #isMember(id: SetId, definition: SetDefinition, end: Identity): Truth {
    switch (definition.kind) {
      case "cidrs":
        return this.#fixedOf(id).cidrs.lookup(end.address) === true;
      case "selector":
        if (this.#fixedOf(id).cidrs.lookup(end.address) === true) return true;
        return end.kind === "pod" && this.#isSelected(definition.selector, end);
      case "nodes":
        return end.kind === "node" && this.#isSelected(definition.selector, end);
      case "service":
        if (!end.isPresent) return end.kind === "pod" ? null : false;
        return this.#placement.members.get(id)?.addresses.includes(end.address) ?? false;
      case "port":
        return false;
    }
  }

  /** Whether (address, protocol, port) of the end is in a set that holds such. */
  hasPort(id: SetId, end: Identity, protocol: number, port: number): Truth {
    const definition = this.#definition(id);
    if (definition.kind === "service") {
      if (!end.isPresent) return end.kind === "pod" ? null : false;
      const backends = this.#placement.members.get(id)?.ports ?? [];
      return backends.some((one) => one.address === end.address && one.protocol === protocol && one.port === port);
    }
    if (definition.kind !== "port") return false;
    if (this.#fixedOf(id).ports.has(`${end.address} ${protocol} ${port}`)) return true;
    if (end.kind !== "pod" || end.ports?.every((one) => !isPort(one, definition.port, protocol, port))) return false;
    const selected = this.#isSelected(definition.selector, end);
    return end.ports === null && selected === true ? null : selected;
  }

  #definition(id: SetId): SetDefinition {
    const definition = this.#program.sets.get(id);
    if (definition === undefined) throw new Error(`program ${this.#program.revision} has no set ${id}`);
    return definition;
  }

  #selector(text: string): Selector {
    const known = this.#selectors.get(text) ?? parseSelector(text, Number.POSITIVE_INFINITY);
    this.#selectors.set(text, known);
    return known;
  }

  #fixedOf(id: SetId): Fixed {
    const known = this.#fixed.get(id) ?? this.#fix(this.#definition(id));
    this.#fixed.set(id, known);
    return known;
  }

  #fix(definition: SetDefinition): Fixed {
    const fixed: Fixed = { cidrs: new PrefixTable(), ports: new Set() };
    if (definition.kind === "cidrs") for (const cidr of definition.cidrs) fixed.cidrs.set(cidr, true);
    if (definition.kind !== "selector" && definition.kind !== "port") return fixed;
    const selector = this.#selector(definition.selector);
    for (const endpoint of this.#placement.endpoints.values()) {
      if ((endpoint.kind !== "set" && endpoint.kind !== "host") || !matches(selector, endpoint.labels)) continue;
      for (const cidr of cidrsOf(endpoint)) fixed.cidrs.set(cidr, true);
      if (definition.kind === "port") for (const text of portTexts(endpoint, definition.port)) fixed.ports.add(text);
    }
    return fixed;
  }
}

/** What is a member by its address, whoever had it: of CIDRs, network sets and host endpoints. */
interface Fixed {
  readonly cidrs: PrefixTable<true>;
  /** `address protocol port` */
  readonly ports: Set<string>;
}

function isPort(one: NamedPort, name: string, protocol: number, port: number): boolean {
  return one.name === name && one.protocol === protocol && one.port === port;
}

const cidrsOf = ({ addresses, nets }: Endpoint) => [...addresses.map(hostCidr), ...nets];
const hostCidr = (address: Address) => cidrOf(address, widthOf(familyOf(address)));

function portTexts({ addresses, ports }: Endpoint, name: string): readonly string[] {
  const named = ports.filter((port) => port.name === name);
  return addresses.flatMap((address) => named.map(({ protocol, port }) => `${address} ${protocol} ${port}`));
}

import type { PortRange } from "../program.ts";
import { hasPorts } from "../protocol.ts";
import { combine, nothing, type Operation, type Points, type Span, spansOf } from "./spans.ts";

/**
 * A set of connections between two addresses. Coordinates: the protocol; then source and destination port, or type and code of
 * ICMP and ICMPv6; other protocols have one point, at 0 and 0.
 */
export interface Connections {
  /** Unique among the sets of one `ConnectionSets`. */
  readonly id: number;
  readonly points: Points;
}

/** Connections whose coordinates go from one number to the other, both included. */
export interface Box {
  readonly protocol: PortRange;
  /** Source port or ICMP type. */
  readonly first: PortRange;
  /** Destination port or ICMP code. */
  readonly second: PortRange;
}

const maxProtocol = 255;
const portRange: PortRange = { from: 0, to: 65_535 };
const usablePorts: PortRange = { from: 1, to: 65_535 };
const icmpRange: PortRange = { from: 0, to: 255 };
const pointRange: PortRange = { from: 0, to: 0 };

/** ICMP and ICMPv6: packets of these have a type and a code (`Packet.icmp`). */
export const isIcmp = (protocol: number): boolean => protocol === 1 || protocol === 58;

/** The numbers that either of the last two coordinates may have. */
function rangeOf(protocol: number): PortRange {
  return hasPorts(protocol) ? portRange : isIcmp(protocol) ? icmpRange : pointRange;
}

/** The same without port 0: it is reserved (RFC 6335, 6), so no socket has it, and no rule can name it. */
export function usableRangeOf(protocol: number): PortRange {
  return hasPorts(protocol) ? usablePorts : rangeOf(protocol);
}

const protocols = Array.from({ length: maxProtocol + 1 }, (_, protocol) => protocol);
const portProtocols = protocols.filter(hasPorts);
const icmpProtocols = protocols.filter(isIcmp);

/**
 * Set algebra that gives equal sets the same object, so that sets are compared by `===`, and remembers what it has computed: policies
 * use few sets of connections, and again and again.
 */
export class ConnectionSets {
  readonly #known = new Map<string, Connections>();
  readonly #named = new Map<string, Connections>();
  readonly #results: Readonly<Record<Operation, Map<number, Connections>>> = {
    union: new Map(),
    intersect: new Map(),
    subtract: new Map(),
  };
  readonly none = this.#only(nothing);
  readonly all = this.#only(boxes(protocols, fullOf, fullOf));
  readonly withPorts = this.#only(boxes(portProtocols, fullOf, fullOf));
  /** All connections without port 0. */
  readonly usable = this.#only(boxes(protocols, usableRangeOf, usableRangeOf));
  readonly icmp = this.#only(boxes(icmpProtocols, fullOf, fullOf));

  union(a: Connections, b: Connections): Connections {
    return a === this.none ? b : b === this.none ? a : this.#remembered("union", a, b);
  }

  intersect(a: Connections, b: Connections): Connections {
    return a === this.all ? b : b === this.all ? a : this.#remembered("intersect", a, b);
  }

  subtract(a: Connections, b: Connections): Connections {
    return b === this.none ? a : this.#remembered("subtract", a, b);
  }

  protocol(number: number): Connections {
    return this.#once(`protocol ${number}`, () => boxes([number], fullOf, fullOf));
  }

  /** Of every protocol that has ports. */
  sourcePort(range: PortRange): Connections {
    return this.#once(`from ${range.from} ${range.to}`, () => boxes(portProtocols, () => range, fullOf));
  }

  destinationPort(range: PortRange): Connections {
    return this.#once(`to ${range.from} ${range.to}`, () => boxes(portProtocols, fullOf, () => range));
  }

  /** ICMP and ICMPv6 of a type, and of one code if it is given. */
  icmpType(type: number, code?: number): Connections {
    const types = { from: type, to: type };
    const codes = code === undefined ? icmpRange : { from: code, to: code };
    return this.#once(`icmp ${type} ${code}`, () =>
      boxes(
        icmpProtocols,
        () => types,
        () => codes,
      ),
    );
  }

  #once(name: string, make: () => Points): Connections {
    const found = this.#named.get(name) ?? this.#only(make());
    this.#named.set(name, found);
    return found;
  }

  #remembered(operation: Operation, a: Connections, b: Connections): Connections {
    const results = this.#results[operation];
    const key = a.id * 2 ** 26 + b.id;
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = this.#only(combine(a.points, b.points, operation));
    results.set(key, result);
    return result;
  }

  #only(points: Points): Connections {
    const text = textOf(points);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = { id: this.#known.size, points };
    this.#known.set(text, made);
    return made;
  }
}

/** The set as boxes that have nothing in common. */
export function boxesOf({ points }: Connections): readonly Box[] {
  return spansOf(points).flatMap((protocol) =>
    spansOf(protocol.inside).flatMap((first) => spansOf(first.inside).map((second) => ({ protocol, first, second }))),
  );
}

export function holdsConnection({ points }: Connections, protocol: number, first: number, second: number): boolean {
  const [byFirst, bySecond] = [spanAt(points, protocol), first];
  const inner = byFirst === undefined ? undefined : spanAt(byFirst.inside, bySecond);
  return inner !== undefined && spanAt(inner.inside, second) !== undefined;
}

function spanAt(points: Points, at: number): Span | undefined {
  return spansOf(points).find(({ from, to }) => from <= at && at <= to);
}

type RangeOf = (protocol: number) => PortRange;
const fullOf: RangeOf = rangeOf;

/** Of each of the protocols, what is within the ranges. */
function boxes(wanted: readonly number[], first: RangeOf, second: RangeOf): Points {
  const columns = wanted.map((protocol): Points => {
    const inside: Points = [{ ...second(protocol), inside: true }];
    return [{ from: protocol, to: protocol, inside: [{ ...first(protocol), inside }] }];
  });
  return columns.reduce((all, column) => combine(all, column, "union"), nothing);
}

function textOf(points: Points): string {
  if (points === true) return "";
  return points.map(({ from, to, inside }) => `${from}-${to}(${textOf(inside)})`).join();
}

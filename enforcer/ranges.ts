import { type Cidr, type Family, widthOf } from "../core/address.ts";
import type { PortRange } from "../policy/program.ts";
import { addressRangeElement, type Element, portRangeElement } from "./element.ts";

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * Elements of an interval set that hold exactly these addresses. The kernel refuses overlaps, and nft's own auto-merge
 * makes later deletes of a part fail, so we merge: overlapping and touching ranges become one.
 */
export function addressIntervals(family: Family, cidrs: readonly Cidr[]): ReadonlySet<Element> {
  const ranges = cidrs
    .filter((cidr) => cidr.family === family)
    .map(({ base, bits }) => ({ first: base, last: base + (1n << BigInt(widthOf(family) - bits)) - 1n }));
  return new Set(merged(ranges).map(({ first, last }) => addressRangeElement(family, first, last)));
}

/** The one address or prefix that these are, if they are neither several nor everything. */
export function onlyNetwork(family: Family, cidrs: readonly Cidr[]): Element | undefined {
  const [only, ...others] = addressIntervals(family, cidrs);
  return only === undefined || others.length > 0 || /-|\/0$/.test(only) ? undefined : only;
}

export function portIntervals(ports: readonly PortRange[]): ReadonlySet<Element> {
  const ranges = mergedPorts(ports);
  return new Set(ranges.map(({ from, to }) => portRangeElement(from, to)));
}

export function mergedPorts(ports: readonly PortRange[]): readonly PortRange[] {
  const ranges = ports.map(({ from, to }) => ({ first: BigInt(from), last: BigInt(to) }));
  return merged(ranges).map(({ first, last }) => ({ from: Number(first), to: Number(last) }));
}

/** Touching counts as overlapping: where the one ends at 4 and the next begins at 5, one range holds both. */
function merged(ranges: readonly Range[]): readonly Range[] {
  const result: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const before = result.at(-1);
    if (before === undefined || first > before.last + 1n) result.push({ first, last });
    else if (last > before.last) before.last = last;
  }
  return result;
}

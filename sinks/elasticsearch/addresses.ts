import { type Cidr, formatAddress, widthOf } from "../../core/address.ts";
import { allOf, type Bounds, isOneOf, not, type Query, within } from "./query.ts";

const fours: Bounds = { gte: "0.0.0.0", lte: "255.255.255.255" };

/**
 * An address within a prefix, by its first and last: that says the same of both families. IPv4 stands among IPv6 addresses as
 * ::ffff:0:0/96, but is none of them.
 */
export function isWithin(field: string, { family, base, bits }: Cidr): Query {
  const host = BigInt(widthOf(family) - bits);
  const first = formatAddress(family, base);
  if (host === 0n) return isOneOf(field, [first]);
  const top = base | ((1n << host) - 1n);
  const range = within(field, { gte: first, lte: formatAddress(family, top) });
  const holdsFours = family === 6 && base <= 0xffff_0000_0000n && top >= 0xffff_ffff_ffffn;
  return holdsFours ? allOf([range, not(within(field, fours))]) : range;
}

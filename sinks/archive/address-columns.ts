import { type Address, addressToBytes, type Cidr, formatAddress } from "../../core/address.ts";
import type { SqlValue } from "./database.ts";
import { type Group, group } from "./table.ts";

// An address is two unsigned 64-bit columns, `<name>_high` and `<name>_low`; IPv4 as ::ffff:a.b.c.d, so `high` is 0. Any CIDR is then
// one range of one of them. Parquet keeps least and greatest values and Bloom filters of such columns, of 128-bit numbers it keeps none
// (DuckDB stores them as doubles).

export function addressGroup<T>(name: string, of: (record: T) => Address | null): Group<T> {
  return group(name, of, {
    [`${name}_high`]: ["UBIGINT", (address) => halves(address).high],
    [`${name}_low`]: ["UBIGINT", (address) => halves(address).low],
  });
}

export interface Halves {
  readonly high: bigint;
  readonly low: bigint;
}

function halves(address: Address): Halves {
  const bytes = addressToBytes(address);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return { high: view.getBigUint64(0), low: view.getBigUint64(8) };
}

export function addressOf(high: SqlValue, low: SqlValue): Address | null {
  if (typeof high !== "bigint" || typeof low !== "bigint") return null;
  return formatAddress(6, (high << 64n) | low);
}

/** First and last address of a prefix, as halves. */
export function rangeOf(cidr: Cidr): { readonly first: Halves; readonly last: Halves } {
  const base = cidr.family === 4 ? (0xffffn << 32n) | cidr.base : cidr.base;
  const host = BigInt((cidr.family === 4 ? 32 : 128) - cidr.bits);
  const top = base | ((1n << host) - 1n);
  return { first: split(base), last: split(top) };
}

const split = (value: bigint): Halves => ({ high: value >> 64n, low: value & (2n ** 64n - 1n) });

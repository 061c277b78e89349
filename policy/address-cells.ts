import { type Address, type Cidr, fourValue } from "../core/address.ts";
import { PrefixTable } from "../core/prefix-table.ts";

/**
 * The address space divided by some CIDRs, so that none of them tells two addresses of a cell apart. Of two CIDRs that meet one lies
 * within the other, so the narrowest that holds an address is its cell; what none holds is one cell of each family.
 */
export class AddressCells {
  readonly #six = new PrefixTable<number>();
  /** First addresses of stretches of IPv4, ascending, and the cells in which they are. */
  readonly #starts: Uint32Array;
  readonly #cells: Uint32Array;

  constructor(cidrs: Iterable<Cidr>) {
    const numbered = [...new Map([...cidrs].map((cidr) => [cidr.text, cidr])).values()].map((cidr, index) => ({
      cidr,
      cell: index + 2,
    }));
    for (const { cidr, cell } of numbered) if (cidr.family === 6) this.#six.set(cidr, cell);
    const stretches = stretchesOf(numbered.filter(({ cidr }) => cidr.family === 4));
    this.#starts = Uint32Array.from(stretches, ({ start }) => start);
    this.#cells = Uint32Array.from(stretches, ({ cell }) => cell);
  }

  /** A small number, from 0. */
  cellOf(address: Address): number {
    const value = fourValue(address);
    return value < 0 ? (this.#six.lookup(address) ?? noneOfSix) : this.#cellOfFour(value);
  }

  #cellOfFour(value: number): number {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) <= value) low = middle + 1;
      else high = middle;
    }
    return this.#cells[low - 1] as number;
  }
}

const [noneOfFour, noneOfSix] = [0, 1];

interface Stretch {
  readonly start: number;
  readonly cell: number;
}

/** All of IPv4. A stretch of no length may stand before another that begins where it does. */
function stretchesOf(numbered: readonly { readonly cidr: Cidr; readonly cell: number }[]): readonly Stretch[] {
  const stretches: Stretch[] = [{ start: 0, cell: noneOfFour }];
  const around: { readonly end: number; readonly cell: number }[] = [];
  const leave = (upTo: number) => {
    for (let last = around.at(-1); last !== undefined && last.end <= upTo; last = around.at(-1)) {
      around.pop();
      if (last.end < 2 ** 32) stretches.push({ start: last.end, cell: around.at(-1)?.cell ?? noneOfFour });
    }
  };
  const widerFirst = numbered.toSorted((a, b) => Number(a.cidr.base - b.cidr.base) || a.cidr.bits - b.cidr.bits);
  for (const { cidr, cell } of widerFirst) {
    const start = Number(cidr.base);
    leave(start);
    stretches.push({ start, cell });
    around.push({ end: start + 2 ** (32 - cidr.bits), cell });
  }
  leave(2 ** 32);
  return stretches;
}

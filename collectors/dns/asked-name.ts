import type { Address } from "../../core/address.ts";
import type { Message } from "./message.ts";
import { internetClass } from "./numbers.ts";

/** An address that an answer gave for the name that was asked for. */
export interface NamedAddress {
  readonly address: Address;
  /** Seconds; the shortest on the way to it. */
  readonly ttl: number;
}

/**
 * The addresses that a response gives for the name asked for: of that name itself, and of what its CNAMEs lead to. Records of other names,
 * which nobody asked for, give none.
 */
export function addressesOf({ question, answers }: Message): readonly NamedAddress[] {
  if (question.class !== internetClass) return [];
  const ttls = new Map([[question.name, Number.POSITIVE_INFINITY]]);
  // Servers write a chain in order, but need not (RFC 1034, 3.6): as long as one leads on, all are asked again.
  for (let known = 0; known < ttls.size; ) {
    known = ttls.size;
    for (const { name, ttl, target } of answers) {
      const before = ttls.get(name);
      if (target !== null && before !== undefined && !ttls.has(target)) ttls.set(target, Math.min(before, ttl));
    }
  }
  return answers.flatMap(({ name, ttl, address }) => {
    const before = ttls.get(name);
    return address === null || before === undefined ? [] : [{ address, ttl: Math.min(before, ttl) }];
  });
}

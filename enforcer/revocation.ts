// What has to be kept out of the way of a connection that is no longer allowed: see revoked-chain.ts for the sets.
import { type Address, type Family, familyOf } from "../core/address.ts";
import type { Direction } from "../policy/program.ts";
import { hasPorts } from "../policy/protocol.ts";
import type { Connection } from "./conntrack.ts";
import { addressElement, concatenation, type Element, numberElement } from "./element.ts";
import { revokedSet, revokedSetBy } from "./revoked-chain.ts";
import type { Command, Name } from "./ruleset.ts";

/** A connection of which no packet may pass any more, because of this policy of an end. */
export interface Revocation {
  readonly connection: Connection;
  readonly direction: Direction;
  /** What its packets look like, as who opened it sends them. */
  readonly looks: readonly Look[];
}

interface Look {
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  readonly protocol: number;
}

export function revocationOf(connection: Connection, direction: Direction): Revocation {
  return { connection, direction, looks: looksOf(connection) };
}

/**
 * As the ruleset sees it, between the translations; as it was sent; as it is answered. Of the latter two packets come once the entry
 * that translated them is gone. ICMP needs nothing of the kind: an answer without an entry is invalid. Protocols without ports
 * are judged anew by each packet.
 */
function looksOf({ original, reply }: Connection): readonly Look[] {
  const { protocol } = original;
  if (!hasPorts(protocol)) return [];
  const seen = seenLook({ original, reply });
  if (!isTranslated({ original, reply })) return [seen];
  const sent = { protocol, source: original.source, sourcePort: original.sourcePort };
  const looks = new Map<Element, Look>();
  for (const look of [
    seen,
    { ...sent, destination: original.destination, destinationPort: original.destinationPort },
    reversed({ ...reply, protocol }),
  ])
    looks.set(elementOf(look), look);
  return [...looks.values()];
}

function isTranslated({ original, reply }: Pick<Connection, "original" | "reply">): boolean {
  return (
    reply.source !== original.destination ||
    reply.destination !== original.source ||
    reply.sourcePort !== original.destinationPort ||
    reply.destinationPort !== original.sourcePort
  );
}

function seenLook({ original, reply }: Pick<Connection, "original" | "reply">): Look {
  const { protocol, source, sourcePort } = original;
  return { protocol, source, sourcePort, destination: reply.source, destinationPort: reply.sourcePort };
}

/**
 * The same without looks that packets of connections which may go on have as well. The kernel gives no tuple twice, but between two
 * translations a packet of one can look like an answer of another.
 */
export function sparing(revocations: readonly Revocation[], others: Iterable<Connection>): readonly Revocation[] {
  const translated = revocations.filter(({ looks }) => looks.length > 1);
  if (translated.length === 0) return revocations;
  const sources = new Set(translated.flatMap(({ looks }) => looks.flatMap((look) => [look.source, look.destination])));
  const spared = new Set<Element>();
  for (const other of others) {
    if (!sources.has(other.original.source) || !sources.has(other.reply.source)) continue;
    const look = seenLook(other);
    if (hasPorts(look.protocol)) spared.add(elementOf(look)).add(elementOf(reversed(look)));
  }
  return revocations.map((each) => ({ ...each, looks: each.looks.filter((look) => !spared.has(elementOf(look))) }));
}

/** By set. */
export type Elements = ReadonlyMap<Name, ReadonlySet<Element>>;

/** What is in the sets while these connections are closed. */
export function elementsOf(revocations: Iterable<Revocation>): Elements {
  const sets = new Map<Name, Set<Element>>();
  const put = (set: Name, element: Element) => sets.set(set, (sets.get(set) ?? new Set()).add(element));
  for (const { direction, looks } of revocations)
    for (const look of looks) {
      const family: Family = familyOf(look.source);
      put(revokedSet(family), elementOf(look));
      put(revokedSet(family), elementOf(reversed(look)));
      put(revokedSetBy(direction, family), elementOf(look));
    }
  return sets;
}

export function changes(verb: "add-elements" | "delete-elements", sets: Elements): readonly Command[] {
  return [...sets].map(([set, elements]) => ({ verb, set, elements: [...elements] }));
}

function reversed({ source, sourcePort, destination, destinationPort, protocol }: Look): Look {
  return {
    protocol,
    source: destination,
    sourcePort: destinationPort,
    destination: source,
    destinationPort: sourcePort,
  };
}

function elementOf({ source, sourcePort, destination, destinationPort, protocol }: Look): Element {
  return concatenation(
    addressElement(source),
    addressElement(destination),
    numberElement(protocol, 255),
    numberElement(sourcePort, 65_535),
    numberElement(destinationPort, 65_535),
  );
}

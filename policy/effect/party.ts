import { type Family, familyOf } from "../../core/address.ts";
import type { Endpoint } from "../placement.ts";
import type { Everybody, Group } from "./group.ts";
import { NetworkBook, type Networks } from "./networks.ts";
import { type Phrase, PodPhrases } from "./pod-phrases.ts";
import { listed } from "./words.ts";

/** A group in words, whole and by its parts. */
export interface Party {
  /** e.g. `pods of namespace dev (12) and 10.0.0.0/8` */
  readonly words: string;
  readonly pods: readonly Phrase[];
  /** Names. */
  readonly nodes: readonly string[];
  readonly hosts: readonly string[];
  /** Who is no pod, node or host. */
  readonly networks: Networks;
  readonly group: Group;
}

const maxNames = 4;

/** Says who is in groups. */
export class Parties {
  readonly #everybody: Everybody;
  readonly #networks: NetworkBook;
  readonly #known = new Map<string, readonly Endpoint[]>();
  readonly #phrases = new Map<string, PodPhrases>();

  constructor(everybody: Everybody) {
    this.#everybody = everybody;
    this.#networks = new NetworkBook(everybody.atoms, everybody);
  }

  of(group: Group): Party {
    const ofKind = (kind: Endpoint["kind"]) => group.endpoints.filter((endpoint) => endpoint.kind === kind);
    const parts = {
      pods: this.#phrasesFor(group.families).of(ofKind("pod")),
      nodes: ofKind("node").map(({ name }) => name),
      hosts: ofKind("host").map(({ name }) => name),
      networks: this.#networks.of(group),
    };
    return { words: this.#words(parts, group), ...parts, group };
  }

  #words({ pods, nodes, hosts, networks }: Omit<Party, "words" | "group">, { families, endpoints }: Group): string {
    const isEverybody = (kind: Endpoint["kind"]) =>
      endpoints.filter((endpoint) => endpoint.kind === kind).length === this.#having(kind, families).length;
    const outside = networks.sense === "but" && networks.items.length === 0;
    const machines = isEverybody("node") && isEverybody("host");
    if (outside && machines && isEverybody("pod")) return "anybody";
    if (outside && machines && pods.length === 0)
      return nodes.length + hosts.length > 0 ? "anybody but pods" : outsiders;
    return listed([
      ...pods.map(({ words, pods }) => `${words} (${pods})`),
      ...named(nodes, "node", isEverybody("node")),
      ...named(hosts, "host endpoint", isEverybody("host")),
      ...networkWords(networks),
    ]);
  }

  #phrasesFor(families: ReadonlySet<Family>): PodPhrases {
    const key = [...families].sort().join();
    const phrases = this.#phrases.get(key) ?? new PodPhrases(this.#having("pod", families));
    this.#phrases.set(key, phrases);
    return phrases;
  }

  /** All of a kind that have addresses of the families. */
  #having(kind: Endpoint["kind"], families: ReadonlySet<Family>): readonly Endpoint[] {
    const key = `${kind} ${[...families].sort().join()}`;
    const has = (endpoint: Endpoint) => endpoint.addresses.some((address) => families.has(familyOf(address)));
    const all = () => [...this.#everybody.endpoints.values()].filter((endpoint) => endpoint.kind === kind);
    const found = this.#known.get(key) ?? all().filter(has);
    this.#known.set(key, found);
    return found;
  }
}

const outsiders = "anybody outside the cluster";

function networkWords({ sense, items }: Networks): readonly string[] {
  if (sense === "only") return items.length === 0 ? [] : [listed(items.map(networkWord), maxNames)];
  return [items.length === 0 ? outsiders : `${outsiders} but ${listed(items, maxNames)}`];
}

/** Everything of one family has a name that people know. */
function networkWord(item: string): string {
  if (item === "0.0.0.0/0") return "any IPv4 address outside the cluster";
  return item === "::/0" ? "any IPv6 address outside the cluster" : item;
}

function named(names: readonly string[], noun: string, all: boolean): readonly string[] {
  if (names.length === 0) return [];
  if (all && names.length > 1) return [`all ${noun}s (${names.length})`];
  return [`${noun}${names.length === 1 ? "" : "s"} ${listed(names, maxNames)}`];
}

import type { LabelRules } from "../../../core/rule-id.ts";
import type { Packet } from "../../../policy/verdict.ts";
import { untrackedDscp } from "./harness-table.ts";
import { deviceFrom, deviceTo, type Layout, type NodeLayout, networkDevices } from "./layout.ts";
import { maxRound, Node } from "./node.ts";
import { bytesOf, endsIn, lastNumber, numberIn } from "./packet-bytes.ts";
import { asSent } from "./service-addresses.ts";

/** What the kernels of the nodes made of a packet. */
export interface Sighting {
  /** Prefixes of the ruleset's log messages about it, in order. */
  readonly logs: readonly string[];
  /** Where it came out. */
  readonly arrived: Arrival | null;
  /** What the nodes left in its conntrack labels where they let it through as a new connection. */
  readonly labels: readonly LabelRules[];
}

const vacant: NodeLayout = { name: "", own: new Map(), pods: [] };

export type Arrival =
  | { readonly at: "node"; readonly node: number }
  | { readonly at: "pod"; readonly node: number; readonly pod: number }
  | "outside";

interface Draft extends Sighting {
  readonly logs: string[];
  arrived: Sighting["arrived"];
  readonly labels: LabelRules[];
}

/** From node to node there are two steps; more are a loop. */
const maxSteps = 6;

/** Nodes, and the network between them, which is this program: it carries what leaves one by a device of a network to the next. */
export class Fleet {
  readonly #nodes: Node[] = [];
  #layout: Layout = { nodes: [], homes: new Map(), beyondSecond: new Set() };
  #number = 0;
  #inFlight: ReadonlyMap<number, Draft> = new Map();

  /** `paths` are of namespaces, at least as many as nodes, and always the same. */
  lay(layout: Layout, paths: readonly string[]): void {
    for (const path of paths.slice(this.#nodes.length)) this.#nodes.push(new Node(path));
    this.#layout = layout;
    const known = [...layout.homes.keys(), ...layout.beyondSecond];
    const onSecond = known.filter((address) => deviceTo(layout, address) === "eth1");
    for (const [at, node] of this.#nodes.entries()) {
      const here = layout.nodes[at] ?? vacant;
      node.lay(
        here,
        onSecond.filter((address) => !here.own.has(address)),
      );
    }
  }

  /** Packets that meet a node: none has both ends outside, and none comes from nowhere. `tracked`: conntrack sees them. */
  send(packets: readonly Packet[], tracked: boolean): readonly Sighting[] {
    const sightings: Sighting[] = [];
    for (let from = 0; from < packets.length; from += maxRound)
      sightings.push(...this.#round(packets.slice(from, from + maxRound), tracked ? 0 : untrackedDscp));
    return sightings;
  }

  close(): void {
    for (const node of this.#nodes) node.close();
  }

  #round(packets: readonly Packet[], dscp: number): readonly Sighting[] {
    if (this.#number + packets.length > lastNumber) this.#startOver();
    const sightings = packets.map((): Draft => ({ logs: [], arrived: null, labels: [] }));
    this.#inFlight = new Map(sightings.map((draft, at) => [this.#number + 1 + at, draft]));
    for (const packet of packets) this.#inject(packet, bytesOf(asSent(packet), ++this.#number, dscp));
    this.#listen();
    for (let step = 1; this.#carry(); step++) {
      if (step > maxSteps) throw new Error("a packet goes round and round between the nodes");
      this.#listen();
    }
    return sightings;
  }

  /** Numbers name conntrack zones, so those of before must be gone. */
  #startOver(): void {
    for (const { watch } of this.#nodes) watch.forget();
    this.#number = 0;
  }

  #inject({ source, destination }: Packet, bytes: Uint8Array): void {
    const { homes } = this.#layout;
    const [from, to] = [homes.get(source), homes.get(destination)];
    if (from?.at === "pod") this.#node(from.node).pods[from.pod]?.write(bytes);
    else if (from?.at === "node") this.#node(from.node).send(bytes, endsIn(bytes).destination);
    else if (from === undefined && to !== undefined && to.at !== "nowhere") this.#comeIn(bytes, to.node);
    else throw new Error(`${source} -> ${destination} meets no node`);
  }

  /** False if nothing was on its way. */
  #carry(): boolean {
    let moved = false;
    for (const [node, { networks, pods }] of this.#nodes.entries()) {
      for (const [pod, device] of pods.entries())
        while (this.#arrive(device.read(), { at: "pod", node, pod })) moved = true;
      for (const network of networkDevices)
        for (let bytes = networks[network].read(); bytes !== undefined; bytes = networks[network].read()) {
          moved = true;
          const to = this.#layout.homes.get(endsIn(bytes).destination);
          if (to === undefined || to.at === "nowhere") this.#arrive(bytes, "outside");
          else this.#comeIn(bytes, to.node);
        }
    }
    return moved;
  }

  #comeIn(bytes: Uint8Array, node: number): void {
    const { source, destination } = endsIn(bytes);
    this.#node(node).networks[deviceFrom(this.#layout, source, destination)].write(bytes);
  }

  #arrive(bytes: Uint8Array | undefined, at: Arrival): boolean {
    const draft = bytes === undefined ? undefined : this.#inFlight.get(numberIn(bytes));
    if (draft !== undefined) draft.arrived = at;
    return bytes !== undefined;
  }

  #listen(): void {
    const drafts = this.#inFlight;
    for (const [node, { watch }] of this.#nodes.entries())
      watch.read({
        logged: (number, prefix) => drafts.get(number)?.logs.push(prefix),
        arrived: (number) => this.#arriveAt(drafts.get(number), node),
        connected: (number, rules) => drafts.get(number)?.labels.push(rules),
      });
  }

  #arriveAt(draft: Draft | undefined, node: number): void {
    if (draft !== undefined) draft.arrived = { at: "node", node };
  }

  #node(at: number): Node {
    const node = this.#nodes[at];
    if (node === undefined) throw new Error(`there is no node ${at}`);
    return node;
  }
}

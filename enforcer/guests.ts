import { type Address, familyOf } from "../core/address.ts";
import type { Endpoint } from "../policy/placement.ts";
import { addressElement, concatenation } from "./element.ts";
import type { Guest } from "./seating.ts";

/** Who of this node has which address. */
export type Pods = ReadonlyMap<Address, Endpoint>;

/** Pods as guests, from one state to the next: of the pods of a node most are the same, and their words need not be put together again. */
export class Guests {
  #before: ReadonlyMap<Address, Guest> = new Map();

  /** `wayOf` gives the very same `ways` as long as they lead to the same chains. */
  of(pods: Pods, wayOf: (pod: Endpoint) => Pick<Guest, "classId" | "ways" | "toNode">): readonly Guest[] {
    const now = new Map<Address, Guest>();
    for (const [address, pod] of pods) {
      const { classId, ways, toNode } = wayOf(pod);
      const before = this.#before.get(address);
      const isSame =
        before?.pod === pod && before.classId === classId && before.ways === ways && before.toNode === toNode;
      now.set(address, isSame ? before : { ...wordsOf(address), pod, classId, ways, toNode });
    }
    this.#before = now;
    return [...now.values()];
  }
}

function wordsOf(address: Address): Pick<Guest, "address" | "element" | "self" | "family"> {
  const element = addressElement(address);
  return { address, element, self: concatenation(element, element), family: familyOf(address) };
}

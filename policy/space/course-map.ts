import type { Shares } from "./shares.ts";
import type { Course } from "./space.ts";

interface Node<Value> {
  readonly next: Map<Shares | null, Node<Value>>;
  value: Value | undefined;
}

/** Something for each two courses that are met. Asked once for every pair of atoms, so it goes by objects rather than by a text. */
export class CourseMap<Value extends object> {
  readonly #root: Node<Value> = { next: new Map(), value: undefined };

  /** What is known of these courses; made when they come first. */
  get(before: Course, after: Course, make: () => Value): Value {
    // A null between them, so that what belongs to the one is not taken for the other's.
    const node = follow(follow(follow(this.#root, before), [null]), after);
    node.value ??= make();
    return node.value;
  }
}

function follow<Value>(from: Node<Value>, keys: readonly (Shares | null)[]): Node<Value> {
  let node = from;
  for (const key of keys) {
    node = node.next.get(key) ?? added(node, key);
  }
  return node;
}

function added<Value>({ next }: Node<Value>, key: Shares | null): Node<Value> {
  const node = { next: new Map(), value: undefined };
  next.set(key, node);
  return node;
}

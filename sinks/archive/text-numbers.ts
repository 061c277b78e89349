/**
 * Numbers lists of texts, equal ones alike, from 1 on. A tree of maps, a level a text: it neither joins nor copies them, and texts that
 * come again and again bring their hash along. Twice as fast as one map of joined texts, four times as JSON.
 */
export class TextNumbers {
  readonly #root = new Node();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Number of the list; `isNew` is asked to take note of one that was not there before. */
  numberOf(texts: readonly (string | null)[], isNew: (number: number) => void): number {
    let node = this.#root;
    for (const text of texts) node = node.child(text);
    if (node.number > 0) return node.number;
    const number = this.#size + 1;
    isNew(number); // if it throws, the list is as new as before
    this.#size = number;
    node.number = number;
    return number;
  }
}

class Node {
  number = 0;
  #children: Map<string | null, Node> | undefined;

  child(text: string | null): Node {
    this.#children ??= new Map();
    const known = this.#children.get(text);
    if (known !== undefined) return known;
    const made = new Node();
    this.#children.set(text, made);
    return made;
  }
}

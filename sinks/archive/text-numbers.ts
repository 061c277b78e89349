const leastEdges = 1 << 10;

/**
 * Numbers lists of texts, equal ones alike, from 1 on. Texts are numbered first; a list is then a way through a tree whose edges
 * (node and text to node) stand in one table of integers. Half the cost of one map of joined texts, a fifth of maps of JSON, and no object
 * an entry for the garbage collector to visit.
 */
export class TextNumbers {
  readonly #texts = new Map<string | null, number>();
  /** Of three a place: node, text, node it leads to. Text 0 is nobody's: the place is free. */
  #edges = new Int32Array(leastEdges * 3);
  #nodes = 1;
  /** Of each node the number of the list that ends there, or 0. */
  readonly #numbers: number[] = [0];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Number of the list; `isNew` is asked to take note of one that was not there before. */
  numberOf(texts: readonly (string | null)[], isNew: (number: number) => void): number {
    let node = 0;
    for (const text of texts) node = this.#follow(node, this.#textNumber(text));
    const known = this.#numbers[node] as number;
    if (known > 0) return known;
    const number = this.#size + 1;
    isNew(number); // if it throws, the list is as new as before
    this.#size = number;
    this.#numbers[node] = number;
    return number;
  }

  #textNumber(text: string | null): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const number = this.#texts.size + 1;
    this.#texts.set(text, number);
    return number;
  }

  #follow(node: number, text: number): number {
    const at = placeOf(this.#edges, node, text);
    if (this.#edges[at + 1] !== 0) return this.#edges[at + 2] as number;
    const made = this.#nodes++;
    this.#numbers.push(0);
    this.#edges.set([node, text, made], at);
    if (this.#nodes * 6 > this.#edges.length) this.#edges = grown(this.#edges); // half of the places are taken
    return made;
  }
}

/** Where the edge is, or the free place where it belongs. */
function placeOf(edges: Int32Array, node: number, text: number): number {
  const mask = edges.length / 3 - 1;
  const mixed = Math.imul(node, 0x9e37_79b1) ^ Math.imul(text, 0x85eb_ca6b);
  let place = (mixed ^ (mixed >>> 15)) & mask;
  for (;;) {
    const at = place * 3;
    if (edges[at + 1] === 0 || (edges[at + 1] === text && edges[at] === node)) return at;
    place = (place + 1) & mask;
  }
}

function grown(edges: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(edges.length * 2);
  for (let at = 0; at < edges.length; at += 3)
    if (edges[at + 1] !== 0)
      larger.set(edges.subarray(at, at + 3), placeOf(larger, edges[at] as number, edges[at + 1] as number));
  return larger;
}

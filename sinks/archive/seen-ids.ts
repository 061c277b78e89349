/** Which numbers of each (node, epoch) are stored or about to be. Numbers come nearly in order, so a few spans hold them all. */
export class SeenIds {
  readonly #spans = new Map<string, Span[]>();

  /** Adds a number; false if it was there. */
  add(node: string, epoch: number, seq: number): boolean {
    const newest = this.#spans.get(`${epoch} ${node}`)?.at(-1);
    if (newest === undefined || seq !== newest.last + 1) return this.addSpan(node, epoch, seq, seq);
    newest.last = seq; // as nearly always
    return true;
  }

  /** Adds all from `first` to `last`; false if the first of them was there. */
  addSpan(node: string, epoch: number, first: number, last: number): boolean {
    const key = `${epoch} ${node}`;
    const spans = this.#spans.get(key) ?? [];
    this.#spans.set(key, spans);
    const from = firstReaching(spans, first);
    const at = spans[from];
    if (at !== undefined && at.first <= first && first <= at.last && last <= at.last) return false;
    const fresh = !(at !== undefined && at.first <= first && first <= at.last);
    let [least, greatest, to] = [first, last, from];
    for (let span = spans[to]; span !== undefined && span.first <= last + 1; span = spans[++to]) {
      least = Math.min(least, span.first);
      greatest = Math.max(greatest, span.last);
    }
    spans.splice(from, to - from, { first: least, last: greatest });
    return fresh;
  }

  /** How many spans are kept. */
  get size(): number {
    return [...this.#spans.values()].reduce((sum, spans) => sum + spans.length, 0);
  }
}

interface Span {
  readonly first: number;
  last: number;
}

/** Index of the first span that ends at or right before `number`, or later. */
function firstReaching(spans: readonly Span[], number: number): number {
  if ((spans.at(-1)?.last ?? -Infinity) < number - 1) return spans.length;
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as Span).last >= number - 1) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Sets of points with whole coordinates as nested spans: each span of one coordinate holds a set over the coordinates that are left,
 * and `true` stands where none is. Spans ascend, hold something, and two that touch differ inside; so equal sets have equal trees.
 */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly inside: Points;
}

export type Points = true | readonly Span[];

export type Operation = "union" | "intersect" | "subtract";

/** A set without points is an empty list, at any depth. */
export const nothing: Points = [];

/** Both must have the same number of coordinates. */
export function combine(a: Points, b: Points, operation: Operation): Points {
  if (a === b) return operation === "subtract" ? nothing : a;
  if (isEmpty(a)) return operation === "union" ? b : nothing;
  if (isEmpty(b)) return operation === "intersect" ? nothing : a;
  if (a === true || b === true) throw new Error("sets of points with a different number of coordinates");
  return sweep(a, b, operation);
}

/** The spans of the first coordinate; none where no coordinate is left. */
export function spansOf(points: Points): readonly Span[] {
  return points === true ? [] : points;
}

function isEmpty(points: Points): boolean {
  return points !== true && points.length === 0;
}

/** Goes along the coordinate and combines what both sets hold between one edge and the next. */
function sweep(a: readonly Span[], b: readonly Span[], operation: Operation): Points {
  const result: Span[] = [];
  let [i, j] = [0, 0];
  let at = Math.min((a[0] as Span).from, (b[0] as Span).from);
  while (i < a.length || j < b.length) {
    const [spanA, spanB] = [a[i], b[j]];
    const to = nextEdge(at, spanA, spanB);
    add(result, { from: at, to, inside: combine(insideAt(at, spanA), insideAt(at, spanB), operation) });
    if (spanA !== undefined && spanA.to <= to) i += 1;
    if (spanB !== undefined && spanB.to <= to) j += 1;
    at = to + 1;
  }
  return result;
}

function insideAt(at: number, span: Span | undefined): Points {
  return span !== undefined && span.from <= at ? span.inside : nothing;
}

/** The last coordinate from `at` on up to which neither set changes. */
function nextEdge(at: number, a: Span | undefined, b: Span | undefined): number {
  return Math.min(edgeOf(at, a), edgeOf(at, b));
}

function edgeOf(at: number, span: Span | undefined): number {
  if (span === undefined) return Number.POSITIVE_INFINITY;
  return span.from > at ? span.from - 1 : span.to;
}

function add(result: Span[], span: Span): void {
  if (isEmpty(span.inside)) return;
  const last = result.at(-1);
  if (last !== undefined && last.to + 1 === span.from && equal(last.inside, span.inside))
    result[result.length - 1] = { from: last.from, to: span.to, inside: last.inside };
  else result.push(span);
}

function equal(a: Points, b: Points): boolean {
  if (a === b) return true;
  if (a === true || b === true || a.length !== b.length) return false;
  return a.every((span, at) => {
    const other = b[at] as Span;
    return span.from === other.from && span.to === other.to && equal(span.inside, other.inside);
  });
}

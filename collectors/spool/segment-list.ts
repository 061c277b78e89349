import type { Disk } from "./disk.ts";
import { isAfter, type Position } from "./position.ts";
import { firstOf, type Segment, type Span } from "./segment.ts";
import { type SlowCalls, until } from "./slow-calls.ts";
import { scan } from "./spool-reader.ts";

/** A segment that was removed before its records were handed out. */
export interface DroppedSegment {
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly span: Span;
}

/** The segments of a spool, oldest first; the last may still be written to. */
export class SegmentList {
  readonly #disk: Disk;
  #segments: Segment[];

  constructor(disk: Disk, segments: readonly Segment[]) {
    this.#disk = disk;
    this.#segments = [...segments];
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
  }

  /**
   * Removes those whose records are all acked and whose connections are remembered elsewhere. Never one behind another that
   * stays: the last may hold nothing but that its run ended in order. Yields while the disk works.
   */
  *trimming(
    calls: SlowCalls,
    acked: Position,
    remembered: Position,
    active: () => Segment | undefined,
  ): Generator<void> {
    for (;;) {
      const [oldest, ...others] = this.#segments;
      if (oldest === undefined || oldest === active()) return;
      if (!within(oldest, acked) || !within(oldest, remembered)) return;
      // Before it is gone: nobody is to read it any more, or to remove it as well.
      this.#segments = others;
      try {
        yield* until(calls.remove(oldest.path));
      } catch (thrown) {
        this.#segments = [oldest, ...this.#segments];
        throw thrown;
      }
    }
  }

  /** Removes the oldest one of which nothing was handed out yet, or all is acked; undefined if there is none. */
  drop(acked: Position, handedOut: Position, active: Segment | undefined): DroppedSegment | "acked" | undefined {
    const oldest = this.#segments.find(
      (segment) => segment !== active && (within(segment, acked) || isAfter(firstOf(segment), handedOut)),
    );
    if (oldest === undefined) return undefined;
    return this.#drop(oldest, within(oldest, acked));
  }

  /** Removes those that were written to last before `at`, as `drop`. */
  dropOlder(
    at: number,
    acked: Position,
    handedOut: Position,
    active: Segment | undefined,
  ): readonly (DroppedSegment | "acked")[] {
    return this.#segments
      .filter((segment) => segment !== active && segment.writtenAt < at)
      .filter((segment) => within(segment, acked) || isAfter(firstOf(segment), handedOut))
      .map((segment) => this.#drop(segment, within(segment, acked)));
  }

  #drop(segment: Segment, acked: boolean): DroppedSegment | "acked" {
    if (acked) {
      this.#remove(segment);
      return "acked";
    }
    const { epoch, first, created } = segment.header;
    const { last, span } =
      segment.last === undefined || segment.span === undefined ? scan(this.#disk, segment, () => {}) : segment;
    this.#remove(segment);
    const covered = span ?? { start: created * 1000, end: Math.max(created, segment.writtenAt) * 1000 };
    return { epoch, first, last: last ?? first - 1, span: covered };
  }

  #remove(segment: Segment): void {
    this.#disk.remove(segment.path);
    this.#segments = this.#segments.filter((other) => other !== segment);
  }
}

function within({ header: { epoch, first }, last }: Segment, position: Position): boolean {
  if (last === undefined) return position.epoch > epoch;
  return last < first || !isAfter({ epoch, seq: last }, position);
}

import type { Loss } from "../core/records/loss.ts";

export type LossDraft = Omit<Loss, "cluster" | "node" | "epoch" | "seq">;

/** What was lost since it was last told, one entry per source, detail and whether its number is known. Microseconds. */
export class Losses {
  #pending = new Map<string, LossDraft>();

  note(source: Loss["source"], count: number | null, span: { start: number; end: number }, detail: string): void {
    const key = `${source} ${count === null} ${detail}`;
    const known = this.#pending.get(key);
    this.#pending.set(key, {
      source,
      count: count === null ? null : count + (known?.count ?? 0),
      start: Math.min(span.start, known?.start ?? span.start),
      end: Math.max(span.end, known?.end ?? span.end),
      detail,
    });
  }

  take(): readonly LossDraft[] {
    const taken = [...this.#pending.values()];
    this.#pending = new Map();
    return taken;
  }
}

import type { Message } from "../../core/bus.ts";
import { SluiceError } from "../../core/errors.ts";
import type { Numbered } from "../../enrichers/once.ts";

// What an enricher has done stands in its output. Headers of a message there:
//   marks => JSON [[node, epoch, seq], ...]     of each run in the message the highest number
//   all => "1"                                  the message holds no records, and its marks are those of everything before it

/** Runs of collectors that are remembered of a partition; those that nobody heard of for longest go first. */
const runsKept = 1024;

/** Up to which number each run of a collector is done. */
export class Marks {
  /** The one that was heard of last at the end. */
  readonly #runs = new Map<string, Numbered>();

  get all(): readonly Numbered[] {
    return [...this.#runs.values()];
  }

  add(records: readonly Numbered[]): void {
    for (const { node, epoch, seq } of records) {
      const key = `${node} ${epoch}`;
      const known = this.#runs.get(key);
      if (known !== undefined && known.seq >= seq) continue;
      this.#runs.delete(key);
      this.#runs.set(key, { node, epoch, seq });
    }
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= runsKept) return;
      this.#runs.delete(oldest);
    }
  }

  /** Takes those that a message tells of; true if it tells of all before it as well. */
  read({ headers = {}, origin = "" }: Message): boolean {
    const { marks: text, all } = headers;
    if (text !== undefined) this.add(parsed(text, origin));
    return all !== undefined;
  }
}

/** For a message with these records. */
export function marksHeader(records: readonly Numbered[]): Readonly<Record<string, string>> {
  const marks = new Marks();
  marks.add(records);
  return { marks: JSON.stringify(marks.all.map(({ node, epoch, seq }) => [node, epoch, seq])) };
}

/** For a message without records. */
export function allMarksHeader({ all }: Marks): Readonly<Record<string, string>> {
  return { marks: JSON.stringify(all.map(({ node, epoch, seq }) => [node, epoch, seq])), all: "1" };
}

function parsed(text: string, origin: string): readonly Numbered[] {
  try {
    const marks = JSON.parse(text) as unknown;
    if (Array.isArray(marks) && marks.every(isMark)) return marks.map(([node, epoch, seq]) => ({ node, epoch, seq }));
  } catch {
    // Said below.
  }
  throw new SluiceError("DECODE_FAILED", `${origin}: its header "marks" is not what an enricher writes: ${text}`);
}

function isMark(mark: unknown): mark is [string, number, number] {
  if (!Array.isArray(mark)) return false;
  const [node, epoch, seq] = mark as unknown[];
  return typeof node === "string" && Number.isSafeInteger(epoch) && Number.isSafeInteger(seq);
}

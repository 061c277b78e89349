import type { Annotations } from "../watched/delta.ts";
import type { JudgedChange, Judgement } from "./judged.ts";

/** What is remembered of a change for those that come after it. */
export interface PastChange {
  readonly id: string;
  readonly at: number;
  /** Null: not known, or several had a hand in it, and who of them did what is not known. */
  readonly user: string | null;
  readonly groups: readonly string[];
  /** Annotations that it set to another value than they had. */
  readonly set: Annotations;
  readonly touchesContent: boolean;
  /** Whether nothing but somebody's approval was missing. */
  readonly lacksOnlyApproval: boolean;
}

/** A change that approves does so once: of each object more need not be known. */
const mostOfOne = 32;

/** The last changes of objects, so that approvals can be found; of those that were not changed for longest they are forgotten first. */
export class Past {
  readonly #most: number;
  readonly #byUid = new Map<string, readonly PastChange[]>();
  #revision = 0;

  constructor(most = 20_000) {
    this.#most = most;
  }

  /** Another one whenever it is other than before. */
  get revision(): number {
    return this.#revision;
  }

  entries(): Iterable<readonly [uid: string, changes: readonly PastChange[]]> {
    return this.#byUid.entries();
  }

  /** As it was told by `entries`. */
  restore(entries: Iterable<readonly [uid: string, changes: readonly PastChange[]]>): void {
    for (const [uid, changes] of entries) this.#byUid.set(uid, changes);
  }

  /** The oldest first. */
  of(uid: string | null): readonly PastChange[] {
    return (uid === null ? undefined : this.#byUid.get(uid)) ?? [];
  }

  add(change: JudgedChange, { authorised, reasons }: Judgement): void {
    if (change.uid === null || change.refused) return;
    const { deed, also } = change.evidence;
    const doer = deed !== null && also.every(({ who }) => who.user === deed.who.user) ? deed.who : null;
    const past: PastChange = {
      id: change.id,
      at: deed?.to ?? change.foundAt,
      user: doer?.user ?? null,
      groups: doer?.groups ?? [],
      set: setBy(change),
      touchesContent: change.touchesContent,
      lacksOnlyApproval: authorised === "no" && reasons.every(({ code }) => code === "approval"),
    };
    const known = this.of(change.uid);
    this.#revision += 1;
    this.#byUid.delete(change.uid);
    this.#byUid.set(change.uid, [...known, past].slice(-mostOfOne));
    for (const uid of this.#byUid.keys()) {
      if (this.#byUid.size <= this.#most) return;
      this.#byUid.delete(uid);
    }
  }
}

export function setBy({ before, after }: Pick<JudgedChange, "before" | "after">): Annotations {
  const changed = Object.entries(after ?? {}).filter(([key, value]) => before === null || !holds(before, key, value));
  return Object.fromEntries(changed);
}

function holds(annotations: Annotations, key: string, value: string): boolean {
  return Object.hasOwn(annotations, key) && annotations[key] === value;
}

import { createHash } from "node:crypto";
import type { Actor, ChangeRecord } from "../../core/records/change.ts";
import { table } from "../text.ts";
import type { Culprit } from "./culprit.ts";

/** All of a change record of kind `tamper` that is not the same for each. Times in milliseconds. */
export interface TamperFacts {
  readonly cluster: string;
  readonly node: string;
  readonly culprit: Culprit | null;
  readonly start: number;
  readonly foundAt: number;
  /** Null: it was not put right while we watched. */
  readonly end: number | null;
  readonly summary: string;
  readonly diff: readonly string[];
  readonly outcomeDetail: string;
}

export function tamperRecord(facts: TamperFacts): ChangeRecord {
  const { cluster, node, culprit, summary, diff, outcomeDetail, end } = facts;
  const record = {
    cluster,
    node,
    kind: "tamper",
    start: micros(facts.start),
    foundAt: micros(facts.foundAt),
    end: end === null ? null : micros(end),
    actor: culprit === null ? null : actorOf(culprit),
    object: `table ${table}`,
    summary,
    diff,
    outcome: end === null ? "unrepaired" : "repaired",
    outcomeDetail,
    request: null,
    control: null,
  } as const;
  const id = createHash("sha256").update(JSON.stringify(record)).digest("hex").slice(0, 32);
  return { id, ...record };
}

function actorOf({ pid, program, ...rest }: Culprit): Actor {
  return { pid: pid === 0 ? null : pid, program, ...rest };
}

const micros = (ms: number) => Math.round(ms * 1000);

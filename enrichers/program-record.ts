import type { ProgramRecord } from "../core/records/program.ts";
import { canonicalText } from "../policy/compile.ts";
import type { Program } from "../policy/program.ts";

/** What is kept of a program that came into force at `start` (microseconds): its whole text, and what its rule ids stand for. */
export function programRecordOf(program: Program, cluster: string, start: number): ProgramRecord {
  const rules = [...program.rules].map(([id, origin]) => ({ id, ...origin })).sort((a, b) => (a.id < b.id ? -1 : 1));
  return { cluster, revision: program.revision, start, text: canonicalText(program), rules };
}

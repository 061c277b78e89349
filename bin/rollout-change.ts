import type { ChangeRecord } from "../core/records/change.ts";
import { contentHash } from "../policy/hash.ts";
import type { HistoryEntry } from "./control/history.ts";

const titles: Readonly<Record<HistoryEntry["what"], string>> = {
  "break-glass": "let everything pass",
  "break-glass over": "ended break-glass",
  confirmed: "confirmed policies",
  accepted: "accepted policies that were held back",
  held: "held policies back",
  withdrawn: "withdrew policies",
};

/** What an operator decided about policies, or what became of them by itself, as a record. */
export function rolloutChange({ at, what, by, node, revision, text }: HistoryEntry, cluster: string): ChangeRecord {
  const us = Math.round(at * 1000);
  const nothingElse = { pid: null, commandLine: null, uid: null, login: null, container: null, ancestors: [] };
  const record: Omit<ChangeRecord, "id"> = {
    cluster,
    node,
    kind: "rollout",
    start: us,
    foundAt: us,
    end: us,
    // What happens by itself we do.
    actor: { ...nothingElse, program: by === null ? "sluice" : "sluice enforce", user: by },
    object: revision === null ? "policies" : `policies ${revision}`,
    summary: text === "" ? titles[what] : `${titles[what]}: ${text}`,
    diff: [],
    outcome: "unknown",
    outcomeDetail: "",
    request: null,
    control: null,
  };
  return { id: contentHash(record, 32), ...record };
}

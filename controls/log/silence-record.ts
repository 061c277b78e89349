import type { ChangeRecord } from "../../core/records/change.ts";
import { contentHash } from "../../policy/hash.ts";

/** That the API server's audit events stopped, or came again. Milliseconds. */
export interface Silence {
  readonly kind: "stopped" | "resumed";
  /** When the last event came. */
  readonly since: number;
  readonly at: number;
  readonly why: string;
}

/** Who changes what is not known without them: that somebody may have turned them off is a change of its own. */
export function silenceRecord({ kind, since, at, why }: Silence, cluster: string): ChangeRecord {
  const record: Omit<ChangeRecord, "id"> = {
    ...{ cluster, node: null, kind: "control", actor: null, object: "audit events" },
    start: Math.round(since * 1_000),
    foundAt: Math.round(at * 1_000),
    end: kind === "resumed" ? Math.round(at * 1_000) : null,
    summary:
      kind === "stopped"
        ? `audit events of the API server stopped: ${why}`
        : "audit events of the API server come again",
    ...{ diff: [], outcome: "unknown", outcomeDetail: "", request: null, control: null },
  };
  return { id: contentHash(record, 32), ...record };
}

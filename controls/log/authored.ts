import type { ChangeRecord } from "../../core/records/change.ts";
import { authorshipOf } from "../evidence/authorship.ts";
import type { Evidence } from "../evidence/sighting.ts";
import type { Draft } from "../watched/control-watch.ts";
import { lastFieldManager } from "./field-manager.ts";

/** A record with who did it, as far as anybody told; else with what the object itself says. */
export function authored(draft: Pick<Draft, "record" | "object">, evidence: Evidence): ChangeRecord {
  const { record } = draft;
  const { actor, request, notes } = authorshipOf(evidence, managerOf(draft));
  const control = record.control && { ...record.control, notes: [...record.control.notes, ...notes] };
  return { ...record, actor, request, control };
}

/** What is gone does not say who deleted it. */
function managerOf({ record, object }: Pick<Draft, "record" | "object">): string | null {
  return record.control?.verb === "delete" ? null : lastFieldManager(object);
}

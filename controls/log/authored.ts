import type { KubeObject } from "../../core/kube/objects.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { authorshipOf } from "../evidence/authorship.ts";
import type { Evidence } from "../evidence/sighting.ts";
import { lastFieldManager } from "./field-manager.ts";

/** A record with who did it, as far as anybody told; else with what the object itself says. */
export function authored(record: ChangeRecord, evidence: Evidence, object: KubeObject): ChangeRecord {
  const { actor, request, notes } = authorshipOf(evidence, managerOf(record, object));
  const control = record.control && { ...record.control, notes: [...record.control.notes, ...notes] };
  return { ...record, actor, request, control };
}

/** What is gone does not say who deleted it. */
function managerOf({ control }: ChangeRecord, object: KubeObject): string | null {
  return control?.verb === "delete" ? null : lastFieldManager(object);
}

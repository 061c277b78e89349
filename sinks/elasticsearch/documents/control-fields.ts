import type { ChangeRecord, FieldChange, ReachChange } from "../../../core/records/change.ts";
import { type DocumentField, derived, stored } from "./field.ts";
import { countedIfAny, flag, list, text, textIfAny, word } from "./forms.ts";

const few = ["keyword", "few"] as const;
const cluster = ["keyword", "cluster"] as const;
const unbounded = ["keyword", "unbounded"] as const;
const words = ["text", "unbounded"] as const;
const kept = ["json", "unbounded"] as const;

/** Of changes that somebody asked the API server for: the request. */
export const requestFields: readonly DocumentField<ChangeRecord>[] = [
  stored("user.roles", cluster, "request.groups", list, "Groups of who asked the API server."),
  stored("client.address", unbounded, "request.sourceAddress", text, "From where."),
  stored("user_agent.original", unbounded, "request.userAgent", text, "With what."),
  stored(
    "sluice.change.impersonated_by",
    cluster,
    "request.impersonatedBy",
    text,
    "Who had logged in, as somebody else.",
  ),
  stored("sluice.change.field_manager", cluster, "request.fieldManager", text, "What the client called itself."),
  stored("sluice.change.audit_id", unbounded, "request.auditId", text, "Of the API server's audit log."),
];

/** Of changes of objects of the API server: what it was, and what it opened and closed. */
export const controlFields: readonly DocumentField<ChangeRecord>[] = [
  stored("sluice.control.verb", few, "control.verb", word, "create, update or delete."),
  stored("sluice.control.refused", ["boolean", "few"], "control.refused", flag, "It was only tried."),
  stored(
    "sluice.control.found_at_start",
    ["boolean", "few"],
    "control.foundAtStart",
    flag,
    "Done while nobody watched.",
  ),
  stored("sluice.control.subject", few, "control.subject", text, "Which kind of control: policy, tier, rbac, …"),
  stored("sluice.control.api_version", few, "control.apiVersion", text, "Of the object."),
  stored("sluice.control.kind", few, "control.kind", text, "Of the object."),
  stored("sluice.control.namespace", cluster, "control.namespace", text, "Of the object."),
  stored("sluice.control.name", cluster, "control.name", text, "Of the object."),
  stored("sluice.control.uid", unbounded, "control.uid", text, "Of the object."),
  stored("sluice.control.version_before", unbounded, "control.resourceVersionBefore", text, "resourceVersion before."),
  stored("sluice.control.version_after", unbounded, "control.resourceVersionAfter", text, "resourceVersion after."),
  stored("sluice.control.before", words, "control.before", text, "The object before, as JSON."),
  stored("sluice.control.after", words, "control.after", text, "The object after, as JSON."),
  stored("sluice.control.diff", kept, "control.diff", list, "Path, before and after of each field; not searched."),
  derived("sluice.control.paths", unbounded, pathsOf, "Which fields of the object were changed."),
  stored("sluice.control.effect", kept, "control.effect", list, "Who can reach whom that could not, and the reverse."),
  stored("sluice.control.effect_state", few, "control.effectState", word, "exact, none, skipped, unknown."),
  stored("sluice.control.more_opens", ["long", "few"], "control.moreOpens", countedIfAny, "Left out for length."),
  stored("sluice.control.more_closes", ["long", "few"], "control.moreCloses", countedIfAny, "Left out for length."),
  derived("sluice.control.opens", ["boolean", "few"], does("opens"), "Whether it opened any connection."),
  derived("sluice.control.closes", ["boolean", "few"], does("closes"), "Whether it closed any connection."),
  stored("sluice.control.effect_words", words, "control.effectWords", textIfAny, "The effect in one line."),
  stored("sluice.control.program_before", unbounded, "control.programBefore", text, "Revision of the program."),
  stored("sluice.control.program_after", unbounded, "control.programAfter", text, "Revision of the program."),
  stored("sluice.control.authorised", few, "control.authorised", word, "yes, no, unknown."),
  stored("sluice.control.reasons", words, "control.reasons", list, "Why it is authorised or not."),
  stored("sluice.control.notes", words, "control.notes", list, "What the record leaves out, and why."),
];

function pathsOf({ control }: ChangeRecord): string | undefined {
  if (control === null || control.diff.length === 0) return undefined;
  return JSON.stringify(control.diff.map(({ path }: FieldChange) => path));
}

function does(kind: "opens" | "closes"): (change: ChangeRecord) => string | undefined {
  return ({ control }) => {
    if (control?.effectState !== "exact") return undefined;
    const more = kind === "opens" ? control.moreOpens : control.moreCloses;
    return String(more > 0 || control.effect.some((change: ReachChange) => change.kind === kind));
  };
}

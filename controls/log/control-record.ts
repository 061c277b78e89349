import type { KubeObject } from "../../core/kube/objects.ts";
import type { ChangeRecord, ControlChange, FieldChange } from "../../core/records/change.ts";
import { effectSummary } from "../../policy/effect-text.ts";
import { contentHash } from "../../policy/hash.ts";
import type { Step, Version } from "../watched/ledger.ts";
import type { Outcome } from "./effects.ts";
import { diffOf, type Json } from "./json-diff.ts";
import { reachChanges } from "./reach-changes.ts";

/** When something was done, as far as that is known; microseconds. */
export interface Seen {
  /** When it was surely not yet. */
  readonly start: number;
  readonly foundAt: number;
  readonly isAtStart: boolean;
}

/** A record of a change whose actor is not known yet. */
export function controlRecord(step: Step, outcome: Outcome, seen: Seen, cluster: string): ChangeRecord {
  const control = controlOf(step, outcome, seen);
  const record: Omit<ChangeRecord, "id"> = {
    cluster,
    node: null,
    kind: "control",
    start: seen.start,
    foundAt: seen.foundAt,
    end: null,
    actor: null,
    object: titleOf(step.object),
    summary: summaryOf(step, control.diff),
    diff: [],
    outcome: "unknown",
    outcomeDetail: "",
    request: null,
    control,
  };
  return { id: contentHash(record, 32), ...record };
}

/** Of a record that is told before it was judged: the log ended meanwhile. */
const notJudged = "the log ended before anybody told who did it";

function controlOf(step: Step, outcome: Outcome, { isAtStart }: Seen): ControlChange {
  const { before, after, object, verb, subject } = step;
  const { effect, skipped, problems } = outcome;
  const [old, now] = [boundedText("before", before), boundedText("after", after)];
  const diff = boundedDiff(before, after);
  return {
    verb,
    refused: false,
    foundAtStart: isAtStart,
    subject,
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace ?? null,
    name: object.metadata.name,
    uid: after?.uid ?? before?.uid ?? null,
    resourceVersionBefore: before?.resourceVersion ?? null,
    resourceVersionAfter: after?.resourceVersion ?? null,
    before: old.text,
    after: now.text,
    diff: diff.fields,
    effect: effect === null ? [] : reachChanges(effect),
    effectState: effect !== null ? "exact" : skipped === null ? "none" : "skipped",
    moreOpens: effect?.folded.opens ?? 0,
    moreCloses: effect?.folded.closes ?? 0,
    effectWords: effect === null ? "" : effectSummary(effect),
    programBefore: outcome.programBefore,
    programAfter: outcome.programAfter,
    authorised: "unknown",
    reasons: [notJudged],
    notes: [
      ...[old.note, now.note, diff.note, skipped].filter((note) => note !== null),
      ...problems.map(({ field, message }) => `not accepted, its last good state stays in force: ${field} ${message}`),
    ],
  };
}

/** `NetworkPolicy prod/app.web` */
function titleOf({ kind, metadata: { namespace, name } }: KubeObject): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

const verbs = { create: "created", update: "changed", delete: "deleted" } as const;
const mostNames = 3;

function summaryOf({ verb, object, isTidiedUp }: Step, diff: readonly FieldChange[]): string {
  const title = titleOf(object);
  if (verb !== "update") return `${verbs[verb]} ${title}${isTidiedUp ? ", with its namespace" : ""}`;
  const names = diff.slice(0, mostNames).map(({ path }) => path.slice(1));
  const rest = diff.length > mostNames ? ` and ${diff.length - mostNames} more` : "";
  return `${verbs[verb]} ${names.join(", ")}${rest} of ${title}`;
}

/** A message on the bus has at most a mebibyte, for many records. */
const mostText = 65_536;
const mostDiff = 65_536;

function boundedText(
  name: string,
  version: Version | null,
): { readonly text: string | null; readonly note: string | null } {
  if (version === null || version.text.length <= mostText) return { text: version?.text ?? null, note: null };
  return { text: null, note: `${name} is left out: ${version.text.length} characters of JSON` };
}

function boundedDiff(before: Version | null, after: Version | null) {
  if (before === null || after === null) return { fields: [], note: null };
  const all = diffOf(JSON.parse(before.text) as Json, JSON.parse(after.text) as Json);
  const fields: FieldChange[] = [];
  let size = 0;
  for (const field of all) {
    size += field.path.length + (field.before?.length ?? 0) + (field.after?.length ?? 0);
    if (size <= mostDiff) fields.push(field);
  }
  const left = all.length - fields.length;
  return { fields, note: left === 0 ? null : `${left} more fields differ: left out for length` };
}

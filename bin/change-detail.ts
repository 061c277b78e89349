import { isoTime } from "../core/clock.ts";
import type { ChangeRecord, ControlChange } from "../core/records/change.ts";
import { fieldChangeText, outcomeText, whoText } from "../sinks/live/change-text.ts";
import { clean } from "../sinks/live/text.ts";

/** All of a change for people, a line a fact; what begins with blanks belongs to the line above. */
export function changeDetail(change: ChangeRecord): string {
  const { control } = change;
  const facts: readonly (readonly [name: string, text: string, ...below: readonly string[]])[] = [
    ["what", change.summary],
    ["when", timeText(change)],
    ["who", whoText(change), ...requestLines(change)],
    ["where", change.node ?? ""],
    ["outcome", outcomeText(change)],
    ...(control === null ? [] : factsOf(control)),
    ["diff", "", ...change.diff, ...(control?.diff ?? []).map(fieldChangeText)],
    ["before", control?.verb === "delete" ? (control.before ?? "") : ""],
    ["after", control?.verb === "create" ? (control.after ?? "") : ""],
    ["notes", "", ...(control?.notes ?? [])],
    ["id", change.id],
  ];
  return facts
    .filter(([, text, ...below]) => text !== "" || below.length > 0)
    .flatMap(([name, text, ...below]) => [`${name.padEnd(11)} ${text}`.trimEnd(), ...below.map((line) => `  ${line}`)])
    .map((line) => `${clean(line)}\n`)
    .join("");
}

type Fact = readonly [name: string, text: string, ...below: readonly string[]];

function factsOf(control: ControlChange): readonly Fact[] {
  const { subject, apiVersion, kind, uid, programBefore, programAfter } = control;
  const version = [control.resourceVersionBefore, control.resourceVersionAfter]
    .map((one) => one ?? "none")
    .join(" -> ");
  const program =
    programBefore === programAfter ? `${programBefore}, as before` : `${programBefore} -> ${programAfter}`;
  return [
    ["object", `${apiVersion} ${kind}, a control of kind ${subject}${uid === null ? "" : `, uid ${uid}`}`],
    ["version", version === "none -> none" ? "" : version],
    ["effect", effectText(control), ...control.effect.map(reachText)],
    ["program", programBefore === null ? "" : program],
    ["authorised", control.authorised, ...control.reasons],
  ];
}

function effectText({ effectState, moreOpens, moreCloses }: ControlChange): string {
  switch (effectState) {
    case "exact":
      return moreOpens + moreCloses === 0
        ? "all of it:"
        : `the widest; ${moreOpens} more open, ${moreCloses} more close:`;
    case "none":
      return "it decides about no connection";
    case "skipped":
      return "not worked out";
    case "unknown":
      return "";
  }
}

function reachText({ kind, from, to, family, connections }: ControlChange["effect"][number]): string {
  const over = family === null ? "" : ` (IPv${family} only)`;
  return `${kind} ${from.words} -> ${to.words}: ${connections}${over}`;
}

function timeText({ start, foundAt, control }: ChangeRecord): string {
  const [since, at] = [start, foundAt].map((us) => isoTime(us / 1000)) as [string, string];
  return control?.foundAtStart ? `between ${since} and ${at}, while nobody watched` : at;
}

function requestLines({ request }: ChangeRecord): readonly string[] {
  if (request === null) return [];
  const { groups, sourceAddress, userAgent, auditId } = request;
  return [
    ...(groups.length === 0 ? [] : [`in groups ${groups.join(", ")}`]),
    ...(sourceAddress === null ? [] : [`from ${sourceAddress}`]),
    ...(userAgent === null ? [] : [`with ${userAgent}`]),
    ...(auditId === null ? [] : [`audit id ${auditId}`]),
  ];
}

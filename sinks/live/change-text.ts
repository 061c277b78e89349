import type { Actor, ChangeRecord, FieldChange } from "../../core/records/change.ts";
import { clean } from "./text.ts";

/**
 * `node-1: nft (pid 4711, root, "nft delete rule ...") removed 1 rule of chain egress_forward; repaired after 34 ms`. With
 * `repeats`, what stands for that many of its like in a minute.
 */
export function changeText(change: ChangeRecord, repeats = 0): string {
  const { node, summary } = change;
  const again = repeats === 0 ? "" : `the last of ${repeats} more like it within a minute`;
  const who = `${node === null ? "" : `${node}: `}${whoText(change)}`;
  const parts = [`${who} ${summary}`, outcomeText(change), judgementText(change), again];
  return clean(parts.filter((part) => part !== "").join("; "));
}

/** `nft (pid 4711, root, "nft flush ruleset")`, `kubectl/v1.36.3 (ann, who is bob)`, `somebody (with kubectl-edit, as the object says)`. */
export function whoText({ actor, request }: Pick<ChangeRecord, "actor" | "request">): string {
  const manager = request?.fieldManager ?? null;
  if (actor === null) return manager === null ? "somebody" : `somebody (with ${manager}, as the object says)`;
  return actorText(actor, request?.impersonatedBy ?? null);
}

function actorText(actor: Actor, impersonatedBy: string | null): string {
  const { pid, program, user, login, container, commandLine } = actor;
  const known = [
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(user === null ? [] : [login === null || login === user ? user : `${user}, logged in as ${login}`]),
    ...(impersonatedBy === null ? [] : [`who is ${impersonatedBy}`]),
    ...(container === null ? [] : [`container ${container}`]),
    ...(commandLine === null ? startedBy(actor) : [`"${commandLine}"`]),
  ];
  if (program === "") return known.join(", ");
  return known.length === 0 ? program : `${program} (${known.join(", ")})`;
}

/** It was gone at once, which is mostly so because somebody typed it, or a script had it. */
function startedBy({ ancestors: [first] }: Actor): readonly string[] {
  return first === undefined ? [] : [`started by ${first}`];
}

/** `not authorised: carries no ticket`; nothing where it is, or nobody says. */
function judgementText({ control }: ChangeRecord): string {
  if (control === null || control.refused || control.authorised !== "no") return "";
  return ["not authorised", control.reasons.join(", ")].filter((part) => part !== "").join(": ");
}

/** `repaired after 34 ms`: from when it was found; of a control what it opened and closed. */
export function outcomeText({ outcome, foundAt, end, outcomeDetail, control }: ChangeRecord): string {
  if (control !== null && !control.refused) return control.effectWords;
  return outcome === "repaired" && end !== null
    ? `repaired after ${Math.max(0, Math.round((end - foundAt) / 1000))} ms`
    : outcomeDetail;
}

/** `spec/order: 1 -> 2`, `spec/ingress/0: new {"action":"Allow"}` */
export function fieldChangeText({ path, before, after }: FieldChange): string {
  const name = path.slice(1);
  if (before === null) return `${name}: new ${after}`;
  return after === null ? `${name}: gone, was ${before}` : `${name}: ${before} -> ${after}`;
}

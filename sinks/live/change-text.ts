import type { Actor, ChangeRecord } from "../../core/records/change.ts";
import { clean } from "./text.ts";

/**
 * `node-1: nft (pid 4711, root, "nft delete rule ...") removed 1 rule of chain egress_forward; repaired after 34 ms`. With
 * `repeats`, what stands for that many of its like in a minute.
 */
export function changeText(change: ChangeRecord, repeats = 0): string {
  const { node, actor, summary } = change;
  const again = repeats === 0 ? "" : `; the last of ${repeats} more like it within a minute`;
  return clean(`${node === null ? "" : `${node}: `}${actorText(actor)} ${summary}; ${outcomeText(change)}${again}`);
}

/** `nft (pid 4711, root, "nft flush ruleset")`, `somebody`. */
export function actorText(actor: Actor | null): string {
  if (actor === null) return "somebody";
  const { pid, program, user, login, container, commandLine } = actor;
  const known = [
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(user === null ? [] : [login === null || login === user ? user : `${user}, logged in as ${login}`]),
    ...(container === null ? [] : [`container ${container}`]),
    ...(commandLine === null ? startedBy(actor) : [`"${commandLine}"`]),
  ];
  return known.length === 0 ? program : `${program} (${known.join(", ")})`;
}

/** It was gone at once, which is mostly so because somebody typed it, or a script had it. */
function startedBy({ ancestors: [first] }: Actor): readonly string[] {
  return first === undefined ? [] : [`started by ${first}`];
}

/** `repaired after 34 ms`: from when it was found. */
export function outcomeText({ outcome, foundAt, end, outcomeDetail }: ChangeRecord): string {
  return outcome === "repaired" && end !== null
    ? `repaired after ${Math.max(0, Math.round((end - foundAt) / 1000))} ms`
    : outcomeDetail;
}

import { textHash } from "./hash.ts";
import type { ClassId, PolicyClass, Stage, Stages } from "./placement.ts";
import type { Applicability, Direction, Instruction, PolicyList } from "./program.ts";

const none: Stages = { egress: [], ingress: [] };
const noOthers = { forward: none, preDnat: none, untracked: none, failsafe: none, answers: none, toOwnNode: none };

/** The class of those whom these entries of a Program select, in their order there. */
export function classOfEntries(entries: readonly Applicability[], kind: "pod" | "host"): PolicyClass {
  const normal = stagesOf(entries, "normal");
  const others =
    kind === "pod"
      ? { ...noOthers, toOwnNode: stagesOf(entries, "toOwnNode") }
      : {
          ...noOthers,
          forward: stagesOf(entries, "forward"),
          preDnat: stagesOf(entries, "preDnat"),
          untracked: stagesOf(entries, "untracked"),
          failsafe: stagesOf(entries, "failsafe"),
          answers: stagesOf(entries, "answers"),
        };
  return { id: idOf([normal, ...Object.values(others)]), ...normal, others };
}

function stagesOf(entries: readonly Applicability[], list: PolicyList): Stages {
  const ofList = entries.filter((entry) => entry.list === list);
  return ofList.length === 0 ? none : { egress: inOrder(ofList, "egress"), ingress: inOrder(ofList, "ingress") };
}

/** Entries of one stage stand side by side. A change of a policy for everybody comes here for every class there is. */
function inOrder(entries: readonly Applicability[], direction: Direction): readonly Stage[] {
  const stages: { blocks: Pick<Applicability, "block">[]; otherwise: Instruction }[] = [];
  let stage = Number.NaN;
  for (const entry of entries) {
    if (entry.direction !== direction) continue;
    const { block, otherwise } = entry;
    if (entry.stage === stage) stages.at(-1)?.blocks.push({ block });
    else stages.push({ blocks: [{ block }], otherwise });
    stage = entry.stage;
  }
  return stages;
}

/** A line for each list and direction, in it a part for each stage: blocks, then how it ends. */
function idOf(lists: readonly Stages[]): ClassId {
  let text = "";
  for (const { egress, ingress } of lists)
    for (const stages of [egress, ingress]) {
      for (const { blocks, otherwise } of stages) {
        for (const { block } of blocks) text += `${block} `;
        text += `${otherwise.id};`;
      }
      text += "\n";
    }
  return `c${textHash(text).slice(0, 16)}` as ClassId;
}

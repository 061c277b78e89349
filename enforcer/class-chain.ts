// A class as chains: the class jumps its stages, a stage its blocks. With the jump from the base chain that is a depth of
// three. Accept and drop end the walk, `return` in a stage goes on with the next one.
import type { PolicyClass, Stage } from "../policy/placement.ts";
import type { BlockId, Instruction, Program } from "../policy/program.ts";
import { denial, type RenderContext, renderInstruction } from "./instruction.ts";
import type { MapVerdict, Name, Rule } from "./ruleset.ts";

/** Where the packets of an endpoint of this class go. A direction without stages is not subject to policy. */
export function classVerdict(context: RenderContext, policyClass: PolicyClass, chainOf: ChainOfBlock): MapVerdict {
  const stages = policyClass[context.direction];
  if (stages.length === 0) return { verdict: "accept" };
  const jumps = stages.map((stage): Rule => jump(stageChain(context, stage, chainOf)));
  const invalid: Rule = { when: [{ if: "connection", state: "invalid" }], statements: denial(context, "invalid") };
  const end: Rule = { when: [], statements: denial(context, "undecided") };
  return { verdict: "jump", to: context.draft.chain("class", [invalid, ...jumps, end]) };
}

/** The rules of a block: to be jumped to, or to stand in the stage's chain itself. */
export type BlockChain = { readonly jumpTo: Name } | { readonly inline: readonly Rule[] };

export type ChainOfBlock = (block: BlockId) => BlockChain;

/** Renders each block once per direction. */
export function blockChains(context: RenderContext, program: Program): ChainOfBlock {
  const done = new Map<BlockId, BlockChain>();
  return (id) => {
    const chain = done.get(id) ?? blockChain(context, id, program.blocks.get(id));
    done.set(id, chain);
    return chain;
  };
}

/** A `next` must return from the stage, so blocks with one cannot be chains of their own: it would return from them. */
function blockChain(context: RenderContext, id: BlockId, instructions: readonly Instruction[] | undefined): BlockChain {
  if (instructions === undefined) {
    context.draft.problem(id, "is no known block: what reaches it is denied");
    return { inline: [{ when: [], statements: denial(context, "unrenderable") }] };
  }
  const rules = instructions.flatMap((instruction) => renderInstruction(context, instruction));
  const leaves = instructions.some(({ verdict }) => verdict === "next");
  return leaves || rules.length < 2 ? { inline: rules } : { jumpTo: context.draft.chain("block", rules) };
}

function stageChain(context: RenderContext, stage: Stage, chainOf: ChainOfBlock): Name {
  const blocks = stage.blocks.flatMap(({ block }) => {
    const chain = chainOf(block);
    return "inline" in chain ? chain.inline : [jump(chain.jumpTo)];
  });
  const end = stage.otherwise.verdict === "next" ? [] : renderInstruction(context, stage.otherwise);
  return context.draft.chain("stage", [...blocks, ...end]);
}

function jump(to: Name): Rule {
  return { when: [], statements: [{ do: "jump", to }] };
}

// A class in a role as chains: the class jumps its stages, a stage its blocks. With the jump from the base chain and the one to
// the chain that rejects that is a depth of four. Accept and drop end the walk, `return` in a stage goes on with the next one.
import type { Family } from "../core/address.ts";
import type { RuleId } from "../core/rule-id.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { PolicyClass, Stage } from "../policy/placement.ts";
import type { BlockId, Instruction, Program } from "../policy/program.ts";
import { families } from "./base-chains.ts";
import { Draft, type Fragment } from "./draft.ts";
import { denied, type Manner, type RenderContext, renderInstruction } from "./instruction.ts";
import type { Part, Role } from "./role.ts";
import type { MapVerdict, Name, Rule } from "./ruleset.ts";
import type { SetLookup } from "./sets.ts";

/** What a chain is made from besides the class. */
export interface Sources {
  readonly program: Program;
  readonly sets: SetLookup;
  readonly log: RenderContext["log"];
  /** What becomes of denied packets at hooks where both can be. */
  readonly deny: Manner["deny"];
  readonly blocks: BlockCache;
  /** Of which the node has pods: half of the rules of a node without IPv6 are never met. */
  readonly podFamilies: readonly Family[];
}

export interface ClassChain {
  /** Where the packets of an endpoint of this class go; undefined: the role asks nothing of it. */
  readonly verdict: MapVerdict | undefined;
  readonly fragment: Fragment;
}

export function classChain(sources: Sources, role: Role, policyClass: PolicyClass): ClassChain {
  const draft = new Draft();
  if (stagesOf(policyClass, { list: role.needs, direction: role.direction }).length === 0)
    return { verdict: undefined, fragment: draft.finish() };
  const rules = role.parts.flatMap((part) => partRules(sources, draft, role, { part, policyClass }));
  const whole = ended(contextOf(sources, draft, role, role.parts[0] as Part), role, rules);
  return { verdict: { verdict: "jump", to: draft.chain("class", whole) }, fragment: draft.finish() };
}

function ended(context: RenderContext, { end }: Role, rules: readonly Rule[]): readonly Rule[] {
  switch (end) {
    case "deny":
      return [
        ...denied(context, [{ if: "connection", state: "invalid" }], "invalid", "drop"),
        ...rules,
        ...denied(context, [], "undecided"),
      ];
    case "accept":
      return [...rules, { when: [], statements: [{ do: "accept" }] }];
    case "return":
      return rules;
  }
}

/** A chain that denies whatever reaches it, for what should be known and is not. */
export function deniedChain(sources: Sources, role: Role, subject: string, sentence: string): ClassChain {
  const draft = new Draft();
  draft.problem(subject, sentence);
  const context = contextOf(sources, draft, role, role.parts[0] as Part);
  const rules = denied(context, [], "unrenderable");
  return { verdict: { verdict: "jump", to: draft.chain("class", rules) }, fragment: draft.finish() };
}

function partRules(
  sources: Sources,
  draft: Draft,
  role: Role,
  { part, policyClass }: { readonly part: Part; readonly policyClass: PolicyClass },
): readonly Rule[] {
  const context = contextOf(sources, draft, role, part);
  return stagesOf(policyClass, part).map((stage) => {
    const to = stageChain(context, stage, (block) => sources.blocks.chainOf(sources, context, block));
    return { when: part.when, statements: [{ do: "jump", to }] };
  });
}

function contextOf(
  { program, sets, log, deny, podFamilies }: Sources,
  draft: Draft,
  role: Role,
  part: Part,
): RenderContext {
  const manner: Manner = {
    allow: part.allow,
    counts: part.counts,
    deny: role.deny === "configured" ? deny : role.deny,
  };
  const isStaged = (rule: RuleId) => stagedKinds.has(program.rules.get(rule)?.kind ?? "");
  return {
    draft,
    sets,
    log,
    direction: role.direction,
    manner,
    isStaged,
    families: role.ofPods ? podFamilies : families,
  };
}

const stagedKinds: ReadonlySet<string> = new Set(["snp", "sgnp", "sknp"]);

function stagesOf(policyClass: PolicyClass, { list, direction }: Pick<Part, "list" | "direction">): readonly Stage[] {
  return list === "normal" ? policyClass[direction] : policyClass.others[list][direction];
}

/** The rules of a block: to be jumped to, or to stand in the stage's chain itself. */
type BlockChain = ({ readonly jumpTo: Name } | { readonly inline: readonly Rule[] }) & { readonly fragment: Fragment };

type Blocks = Program["blocks"];

/** Each block is rendered once for each way in which it is asked. */
export class BlockCache {
  readonly #chains = new Map<BlockId, Map<string, BlockChain>>();
  #programs: readonly Blocks[] = [];

  /** Blocks that none of these programs has are forgotten. */
  use(programs: readonly Blocks[]): void {
    const gone = goneFrom(this.#programs, programs) ?? [...this.#chains.keys()];
    for (const id of gone) if (!programs.some((blocks) => blocks.has(id))) this.#chains.delete(id);
    this.#programs = programs;
  }

  /** Of a set it is other than it was whether it holds CIDRs. */
  forget(hasChanged: (fragment: Fragment) => boolean): void {
    for (const chains of this.#chains.values())
      for (const [way, { fragment }] of chains) if (hasChanged(fragment)) chains.delete(way);
  }

  chainOf({ program }: Sources, context: RenderContext, id: BlockId): BlockChain {
    const instructions = program.blocks.get(id);
    if (instructions === undefined) return unknownBlock(context, id);
    const { allow, counts, deny } = context.manner;
    const way = `${context.families.join("")} ${context.direction} ${allow} ${counts} ${deny}`;
    const chains = this.#chains.get(id) ?? new Map<string, BlockChain>();
    const found = chains.get(way) ?? blockChain(context, instructions);
    this.#chains.set(id, chains.set(way, found));
    return found;
  }
}

/** Which blocks went, perhaps with some that another program has; undefined if that cannot be told quickly. */
function goneFrom(before: readonly Blocks[], after: readonly Blocks[]): readonly BlockId[] | undefined {
  const [newest] = after;
  if (!(newest instanceof SortedMap) || !before.every((blocks) => blocks instanceof SortedMap)) return undefined;
  return before.flatMap((blocks) =>
    [...(newest as SortedMap<BlockId, readonly Instruction[]>).differences(blocks)].map(({ key }) => key),
  );
}

function unknownBlock(around: RenderContext, id: BlockId): BlockChain {
  const draft = new Draft();
  draft.problem(id, "is no known block: what reaches it is denied");
  return { inline: denied({ ...around, draft }, [], "unrenderable"), fragment: draft.finish() };
}

/** A `next` must return from the stage, so blocks with one cannot be chains of their own: it would return from them. */
function blockChain(around: RenderContext, instructions: readonly Instruction[]): BlockChain {
  const draft = new Draft();
  const context = { ...around, draft };
  const rules = instructions.flatMap((instruction) => renderInstruction(context, instruction));
  const leaves = instructions.some(({ verdict }) => verdict === "next");
  if (leaves || rules.length < 2) return { inline: rules, fragment: draft.finish() };
  const jumpTo = draft.chain("block", rules);
  return { jumpTo, fragment: draft.finish() };
}

function stageChain(context: RenderContext, stage: Stage, chainOf: (block: BlockId) => BlockChain): Name {
  const blocks = stage.blocks.flatMap(({ block }): readonly Rule[] => {
    const chain = chainOf(block);
    context.draft.include(chain.fragment);
    return "inline" in chain ? chain.inline : [{ when: [], statements: [{ do: "jump", to: chain.jumpTo }] }];
  });
  const end = stage.otherwise.verdict === "next" ? [] : renderInstruction(context, stage.otherwise);
  return context.draft.chain("stage", [...blocks, ...end]);
}

import type { Cidr } from "../core/address.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import type { Program, SetId } from "../policy/program.ts";
import { addPodChains, type BaseSettings } from "./base-chains.ts";
import { BlockCache, type ClassChain, classChain, deniedChain, type Sources } from "./class-chain.ts";
import { Draft, type Fragment, type Problem } from "./draft.ts";
import { addHostChains } from "./host-chains.ts";
import { governedBy } from "./hosts.ts";
import type { Manner, RenderContext } from "./instruction.ts";
import type { Links } from "./interfaces.ts";
import { LocalEndpoints } from "./local-endpoints.ts";
import { dispatchMaps, nodeSets } from "./node-objects.ts";
import { type RoleName, roleOf } from "./role.ts";
import type { MapVerdict, Ruleset, Transaction } from "./ruleset.ts";
import { SetMembers } from "./set-members.ts";
import type { SetLookup } from "./sets.ts";
import { type Structure, Table } from "./table.ts";

export interface RenderSettings extends BaseSettings {
  /** NFLOG group that collectors read. */
  readonly logGroup: number;
  /** Bytes of a logged packet: IPv6 and TCP headers with options fit into 128. */
  readonly logBytes: number;
  /** What becomes of packets that policy denies, where the kernel can answer them. */
  readonly deny: Manner["deny"];
}

/** What the node knows of itself. */
export interface NodeFacts {
  readonly links: Links;
  readonly podCidrs: readonly Cidr[];
}

export interface Rendering {
  /** What turns the ruleset that was before into the one that is now. */
  readonly changes: Transaction;
  readonly problems: readonly Problem[];
}

/**
 * The ruleset of one node: what these policies mean for the pods that run there and for its host endpoints. Only sets, blocks and
 * classes that those need are in it. What cannot be expressed denies, and is among the problems.
 *
 * It follows the world from one state to the next at the cost of what has changed; what comes out is the same as from scratch.
 */
export class Renderer {
  readonly #settings: RenderSettings;
  readonly #local: LocalEndpoints;
  readonly #blocks = new BlockCache();
  readonly #members = new Map<SetId, SetMembers>();
  readonly #table = new Table();
  /** By role and class, those that are in use. */
  #classes = new Map<string, ClassChain>();
  #base: { readonly key: string; readonly fragment: Fragment } | undefined;
  #fragments: readonly Fragment[] = [];

  constructor(node: string, settings: RenderSettings) {
    this.#settings = settings;
    this.#local = new LocalEndpoints(node);
  }

  /** As it is now; what `follow` does later changes it. */
  get ruleset(): Ruleset {
    return this.#table.ruleset;
  }

  follow(program: Program, placement: Placement, facts: NodeFacts): Rendering {
    this.#blocks.use(program);
    this.#local.follow(placement.endpoints);
    this.#followMembers(placement);
    const { structure, problems } = this.#structureOf(program, placement, facts);
    const changes = this.#table.change(structure, (id) => this.#memberOf(id, program, placement));
    this.#forgetMembers();
    return { changes, problems: distinct([...structure.fragments.flatMap((one) => one.problems), ...problems]) };
  }

  #followMembers({ members }: Placement): void {
    const flipped = new Set<SetId>();
    for (const [id, set] of this.#members) {
      const now = members.get(id);
      if (now !== undefined && set.follow(now)) flipped.add(id);
    }
    if (flipped.size === 0) return;
    const isStale = ({ nets }: Fragment) => [...flipped].some((id) => nets.has(id));
    this.#blocks.forget(isStale);
    for (const [key, { fragment }] of this.#classes) if (isStale(fragment)) this.#classes.delete(key);
  }

  #structureOf(
    program: Program,
    placement: Placement,
    facts: NodeFacts,
  ): { readonly structure: Structure; readonly problems: readonly Problem[] } {
    const sources = this.#sourcesOf(program, placement);
    const classes = new Map<string, ClassChain>();
    const play = (name: RoleName, endpoint: Endpoint): MapVerdict | undefined => {
      const classId = placement.classOf.get(endpoint.id);
      if (classId === undefined) return undefined;
      const key = `${name} ${classId}`;
      const chain = this.#classes.get(key) ?? chainOf(sources, placement, name, classId);
      classes.set(key, chain);
      return chain.verdict;
    };
    const pods = this.#local.pods();
    const { verdicts, problems } = governedBy({ hosts: this.#local.hosts, links: facts.links, play });
    const maps = dispatchMaps(pods, play, verdicts);
    const base = this.#baseOf(sources, verdicts);
    const own = nodeSets(pods, facts, this.#settings.podInterfaces);
    this.#classes = classes;
    const fragments = this.#sameOr([base, ...[...classes.values()].map(({ fragment }) => fragment)]);
    return { structure: { fragments, maps, sets: own.sets }, problems: [...problems, ...own.problems] };
  }

  /** The very list of before where it holds the same, so that nobody needs to look into it. */
  #sameOr(fragments: readonly Fragment[]): readonly Fragment[] {
    const isSame =
      this.#fragments.length === fragments.length && fragments.every((one, at) => one === this.#fragments[at]);
    if (!isSame) this.#fragments = fragments;
    return this.#fragments;
  }

  #sourcesOf(program: Program, placement: Placement): Sources {
    const { logGroup: group, logBytes: snaplen, deny } = this.#settings;
    const sets: SetLookup = (id) => {
      const definition = program.sets.get(id);
      if (definition === undefined || !placement.members.has(id)) return undefined;
      if (definition.kind === "cidrs") return { definition, hasNets: true };
      return { definition, hasNets: this.#memberOf(id, program, placement).hasNets };
    };
    return { program, sets, log: { group, snaplen }, deny, blocks: this.#blocks };
  }

  #baseOf(sources: Sources, hosts: Parameters<typeof addHostChains>[2]): Fragment {
    const key = JSON.stringify([...hosts].map(([role, { named, others }]) => [role, named.size > 0, others ?? null]));
    if (this.#base?.key === key) return this.#base.fragment;
    const draft = new Draft();
    const contextOf = (direction: "egress" | "ingress"): RenderContext => ({
      ...{ draft, direction, sets: sources.sets, log: sources.log },
      manner: { allow: "accept", deny: "drop", counts: true },
    });
    for (const direction of ["egress", "ingress"] as const) addPodChains(contextOf(direction), this.#settings);
    addHostChains(contextOf, this.#settings, hosts);
    this.#base = { key, fragment: draft.finish() };
    return this.#base.fragment;
  }

  /** Of a set that has a definition and members. */
  #memberOf(id: SetId, program: Program, placement: Placement): SetMembers {
    const known = this.#members.get(id);
    if (known !== undefined) return known;
    const [definition, members] = [program.sets.get(id), placement.members.get(id)];
    if (definition === undefined || members === undefined) throw new Error(`set ${id} is looked at and not there`);
    const made = new SetMembers(definition);
    made.follow(members);
    this.#members.set(id, made);
    return made;
  }

  /** Sets that no rule looks into any more are not followed, so what was made of them may not be used again. */
  #forgetMembers(): void {
    const used = this.#table.lookedAt;
    const forgotten = [...this.#members.keys()].filter((id) => !used.has(id));
    if (forgotten.length === 0) return;
    for (const id of forgotten) this.#members.delete(id);
    this.#blocks.forget(({ nets }) => forgotten.some((id) => nets.has(id)));
  }
}

function chainOf(sources: Sources, placement: Placement, name: RoleName, classId: string): ClassChain {
  const found = placement.classes.get(classId as never);
  if (found !== undefined) return classChain(sources, roleOf(name), found);
  return deniedChain(sources, roleOf(name), classId, "is no known class: its endpoints are denied everything");
}

function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.subject} ${problem.sentence}`, problem])).values()];
}

import { type Address, type Family, familyOf } from "../core/address.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { Endpoint, Members, Placement } from "../policy/placement.ts";
import type { Program, SetId } from "../policy/program.ts";
import type { Situation } from "../policy/space/situation.ts";
import { addPodChains, type BaseSettings, families } from "./base-chains.ts";
import { BlockCache, type ClassChain, classChain, deniedChain, type Sources } from "./class-chain.ts";
import { Draft, type Fragment, type Problem } from "./draft.ts";
import { addHostChains, type HostVerdicts } from "./host-chains.ts";
import { governedBy, type HostGround } from "./hosts.ts";
import type { Manner, RenderContext } from "./instruction.ts";
import { LocalEndpoints } from "./local-endpoints.ts";
import { dispatchMaps, type NodeFacts, nodeSets } from "./node-objects.ts";
import { type RoleName, roleOf } from "./role.ts";
import type { Name, Ruleset, Transaction } from "./ruleset.ts";
import { SetMembers } from "./set-members.ts";
import type { SetLookup } from "./sets.ts";
import { addStagedChains, stagedMaps } from "./staged.ts";
import { type Structure, Table } from "./table.ts";

export interface RenderSettings extends BaseSettings {
  /** NFLOG group that collectors read. */
  readonly logGroup: number;
  /** Bytes of a logged packet: IPv6 and TCP headers with options fit into 128. */
  readonly logBytes: number;
  /** How many packets of one rule and source are logged each second; 0: all. */
  readonly logRate: number;
  /** What becomes of packets that policy denies, where the kernel can answer them. */
  readonly deny: Manner["deny"];
}

export interface Rendering {
  /** What turns the ruleset that was before into the one that is now. */
  readonly changes: Transaction;
  readonly problems: readonly Problem[];
}

interface State {
  readonly inForce: Situation;
  readonly facts: NodeFacts;
  /** As everything staged would have it; absent if nothing is staged. */
  readonly pending: Situation | undefined;
}

type Play = HostGround["play"];

interface Drawn {
  readonly structure: Structure;
  readonly problems: readonly Problem[];
}

/**
 * The ruleset of one node: what these policies mean for the pods that run there and for its host endpoints. Only sets, blocks and
 * classes that those need are in it. What cannot be expressed denies, and is among the problems.
 *
 * What is staged has its hits counted and no other effect.
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
  #podFamilies: readonly Family[] = [];
  #before: { readonly state: State; readonly drawn: Drawn } | undefined;

  constructor(node: string, settings: RenderSettings) {
    this.#settings = settings;
    this.#local = new LocalEndpoints(node);
  }

  /** As it is now; what `follow` does later changes it. */
  get ruleset(): Ruleset {
    return this.#table.ruleset;
  }

  /** Of the pods that run here. */
  podAddresses(): ReadonlySet<Address> {
    return new Set(this.#local.pods().keys());
  }

  follow(program: Program, placement: Placement, facts: NodeFacts, pending?: Situation): Rendering {
    const state: State = { inForce: { program, placement }, facts, pending };
    const before = this.#before;
    const moved = movedSets(before?.state, state) ?? new Set(this.#members.keys());
    const isTouched = [this.#local.follow(placement.endpoints), this.#followMembers(state, moved)].includes(true);
    if (before?.state.inForce.program !== program || before.state.pending?.program !== pending?.program)
      this.#blocks.use((id) => program.blocks.has(id) || pending?.program.blocks.has(id) === true);
    // Most that happens in a cluster happens elsewhere: then nothing but members of sets can be others.
    const isSame = !isTouched && before !== undefined && isOfSamePolicies(before.state, state);
    const drawn = isSame ? before.drawn : this.#draw(state);
    this.#before = { state, drawn };
    const changes = this.#table.change(drawn.structure, moved, (id) => this.#memberOf(id, state));
    if (!isSame) this.#forgetMembers();
    return { changes, problems: drawn.problems };
  }

  #followMembers(state: State, moved: ReadonlySet<SetId>): boolean {
    const flipped = new Set<SetId>();
    for (const id of moved) {
      const [set, now] = [this.#members.get(id), membersIn(state, id)];
      if (set !== undefined && now !== undefined && set.follow(now)) flipped.add(id);
    }
    if (flipped.size === 0) return false;
    const isStale = ({ nets }: Fragment) => [...flipped].some((id) => nets.has(id));
    this.#blocks.forget(isStale);
    for (const [key, { fragment }] of this.#classes) if (isStale(fragment)) this.#classes.delete(key);
    return true;
  }

  #draw(state: State): Drawn {
    const { inForce, facts, pending } = state;
    const pods = this.#local.pods();
    this.#serve(familiesOf(pods));
    const classes = new Map<string, ClassChain>();
    const play = this.#player(inForce, state, classes);
    const playStaged = pending && this.#player(pending, state, classes);
    const { verdicts, problems } = governedBy({ hosts: this.#local.hosts, links: facts.links, play });
    const staged = playStaged && stagedMaps(pods, (endpoint) => isStagedFor(endpoint, state), playStaged);
    const maps = new Map([...dispatchMaps(pods, play, verdicts), ...(staged ?? [])]);
    const base = this.#baseOf(state, verdicts, [...(staged?.keys() ?? [])]);
    const own = nodeSets(pods, facts, this.#settings);
    this.#classes = classes;
    const fragments = this.#sameOr([base, ...[...classes.values()].map(({ fragment }) => fragment)]);
    const all = [...fragments.flatMap((fragment) => fragment.problems), ...problems, ...own.problems];
    return { structure: { fragments, maps, sets: own.sets }, problems: distinct(all) };
  }

  /** Another family of pods makes other rules of all classes. */
  #serve(families: readonly Family[]): void {
    if (families.join() !== this.#podFamilies.join()) this.#classes.clear();
    this.#podFamilies = families;
  }

  #player({ program, placement }: Situation, state: State, classes: Map<string, ClassChain>): Play {
    const sources = this.#sourcesOf(program, state);
    return (name, endpoint) => {
      const classId = placement.classOf.get(endpoint.id);
      if (classId === undefined) return undefined;
      const key = `${name} ${classId}`;
      const chain = this.#classes.get(key) ?? chainOf(sources, placement, name, classId);
      classes.set(key, chain);
      return chain.verdict;
    };
  }

  /** The very list of before where it holds the same, so that nobody needs to look into it. */
  #sameOr(fragments: readonly Fragment[]): readonly Fragment[] {
    const isSame =
      this.#fragments.length === fragments.length && fragments.every((one, at) => one === this.#fragments[at]);
    if (!isSame) this.#fragments = fragments;
    return this.#fragments;
  }

  #sourcesOf(program: Program, state: State): Sources {
    const { logGroup: group, logBytes: snaplen, logRate, deny } = this.#settings;
    const log = { group, snaplen, limit: logRate === 0 ? null : { perSecond: logRate, burst: burstOf(logRate) } };
    const sets: SetLookup = (id) => {
      const definition = program.sets.get(id);
      if (definition === undefined || membersIn(state, id) === undefined) return undefined;
      if (definition.kind === "cidrs") return { definition, hasNets: true };
      return { definition, hasNets: this.#memberOf(id, state).hasNets };
    };
    return { program, sets, log, deny, blocks: this.#blocks, podFamilies: this.#podFamilies };
  }

  #baseOf(state: State, hosts: HostVerdicts, staged: readonly Name[]): Fragment {
    const ofHosts = [...hosts].map(([role, { named, others }]) => [role, named.size > 0, others ?? null]);
    const key = JSON.stringify([ofHosts, staged]);
    if (this.#base?.key === key) return this.#base.fragment;
    const draft = new Draft();
    const sources = this.#sourcesOf(state.inForce.program, state);
    const contextOf = (direction: "egress" | "ingress"): RenderContext => ({
      ...{ draft, direction, sets: sources.sets, log: sources.log },
      manner: { allow: "accept", deny: "drop", counts: "all" },
      isStaged: () => false,
      families,
    });
    for (const direction of ["egress", "ingress"] as const) addPodChains(contextOf(direction), this.#settings);
    addHostChains(contextOf, this.#settings, hosts);
    addStagedChains(draft, this.#settings, staged);
    this.#base = { key, fragment: draft.finish() };
    return this.#base.fragment;
  }

  /** Of a set that has a definition and members. */
  #memberOf(id: SetId, state: State): SetMembers {
    const known = this.#members.get(id);
    if (known !== undefined) return known;
    const definition = state.inForce.program.sets.get(id) ?? state.pending?.program.sets.get(id);
    const members = membersIn(state, id);
    if (definition === undefined || members === undefined) throw new Error(`set ${id} is looked at and not there`);
    const made = new SetMembers(definition);
    made.follow(members);
    this.#members.set(id, made);
    return made;
  }

  /** Sets that no rule looks into any more are not followed, so what was made of them may not be used again. */
  #forgetMembers(): void {
    const forgotten = [...this.#members.keys()].filter((id) => !this.#table.looksAt(id));
    if (forgotten.length === 0) return;
    for (const id of forgotten) this.#members.delete(id);
    this.#blocks.forget(({ nets }) => forgotten.some((id) => nets.has(id)));
  }
}

/** A connection attempt is a few packets: who makes several at once is told of whole. */
const burstOf = (logRate: number) => 2 * logRate;

function chainOf(sources: Sources, placement: Placement, name: RoleName, classId: string): ClassChain {
  const found = placement.classes.get(classId as never);
  if (found !== undefined) return classChain(sources, roleOf(name), found);
  return deniedChain(sources, roleOf(name), classId, "is no known class: its endpoints are denied everything");
}

/** Sets whose members are others than before; undefined: that cannot be told quickly. */
function movedSets(before: State | undefined, now: State): ReadonlySet<SetId> | undefined {
  const moved = new Set<SetId>();
  const note = (older: Placement["members"] | undefined, newer: Placement["members"] | undefined): boolean => {
    if (older === newer) return true;
    if (!(older instanceof SortedMap) || !(newer instanceof SortedMap)) return false;
    for (const { key } of (newer as SortedMap<SetId, Members>).differences(older as SortedMap<SetId, Members>))
      moved.add(key);
    return true;
  };
  const isWhole =
    note(before?.inForce.placement.members, now.inForce.placement.members) &&
    note(before?.pending?.placement.members, now.pending?.placement.members);
  return isWhole ? moved : undefined;
}

function familiesOf(pods: ReadonlyMap<Address, Endpoint>): readonly Family[] {
  const found = new Set([...pods.keys()].map(familyOf));
  return families.filter((family) => found.has(family));
}

function membersIn({ inForce, pending }: State, id: SetId): Members | undefined {
  return inForce.placement.members.get(id) ?? pending?.placement.members.get(id);
}

/** What is staged would change something for it. Classes are named after their content, in whatever Program. */
function isStagedFor({ id }: Endpoint, { inForce, pending }: State): boolean {
  return pending !== undefined && pending.placement.classOf.get(id) !== inForce.placement.classOf.get(id);
}

function isOfSamePolicies(a: State, b: State): boolean {
  if (a.inForce.program !== b.inForce.program || a.pending?.program !== b.pending?.program) return false;
  const cidrs = ({ facts }: State) => facts.podCidrs.map(({ text }) => text).join();
  return a.facts.links === b.facts.links && cidrs(a) === cidrs(b);
}

function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.subject} ${problem.sentence}`, problem])).values()];
}

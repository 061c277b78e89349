import { type Address, type Family, familyOf } from "../core/address.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { ClassId, Endpoint, Members, Placement } from "../policy/placement.ts";
import type { Program, SetId } from "../policy/program.ts";
import type { Situation } from "../policy/space/situation.ts";
import { addPodChains, type BaseSettings, families } from "./base-chains.ts";
import { BlockCache, type ClassChain, classChain, deniedChain, type Sources } from "./class-chain.ts";
import { Draft, type Fragment, type Problem } from "./draft.ts";
import { Guests } from "./guests.ts";
import { addHostChains, type HostVerdicts } from "./host-chains.ts";
import { governedBy, type HostGround } from "./hosts.ts";
import type { Manner, RenderContext } from "./instruction.ts";
import { LinkSets } from "./link-sets.ts";
import { LocalEndpoints } from "./local-endpoints.ts";
import { roomChains, roomSets } from "./newcomers.ts";
import { accept, dispatchMaps, isInMaps, lastingSets, type NodeFacts, podSets } from "./node-objects.ts";
import { ownNodeChains, ownNodeSets } from "./own-node.ts";
import { type RoleName, roleOf } from "./role.ts";
import type { Name, Ruleset, Transaction } from "./ruleset.ts";
import { type Guest, hurried, isSettled, leadsOn, type Rooms, type Seating, settled } from "./seating.ts";
import { SetMembers } from "./set-members.ts";
import type { SetLookup } from "./sets.ts";
import { addStagedChains, stagedMaps } from "./staged.ts";
import { addStagedHostChains } from "./staged-hosts.ts";
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

/** What is asked of a pod: what a Program makes of the very same pod is always the same. */
interface Way extends Pick<Guest, "classId" | "ways" | "toNode"> {
  readonly program: Program;
  /** By the keys under which they are kept. */
  readonly chains: readonly (readonly [string, ClassChain])[];
}

const podRoles = ["podEgress", "podIngress", "podToNode"] as const satisfies RoleName[];

/** What the pods of a Situation are asked. */
interface Player {
  readonly play: Play;
  readonly wayOf: (pod: Endpoint) => Way;
}

interface Drawn {
  readonly structure: Structure;
  readonly seating: Seating;
  /** From scratch it would be the same. */
  readonly isSettled: boolean;
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
  readonly #guests = new Guests();
  readonly #links: LinkSets;
  readonly #blocks = new BlockCache();
  readonly #members = new Map<SetId, SetMembers>();
  readonly #table = new Table();
  /** By role and class, those that are in use. */
  #classes = new Map<string, ClassChain>();
  readonly #ways = new WeakMap<Endpoint, Way>();
  #base: { readonly key: string; readonly fragment: Fragment } | undefined;
  #rooms: { readonly key: string; readonly fragment: Fragment } | undefined;
  #fragments: readonly Fragment[] = [];
  #podFamilies: readonly Family[] = [];
  #before: { readonly state: State; readonly drawn: Drawn } | undefined;

  constructor(node: string, settings: RenderSettings) {
    this.#settings = settings;
    this.#local = new LocalEndpoints(node);
    this.#links = new LinkSets(settings.podInterfaces);
  }

  /** As it is now; what `follow` does later changes it. */
  get ruleset(): Ruleset {
    return this.#table.ruleset;
  }

  /** Of the pods that run here. */
  podAddresses(): ReadonlySet<Address> {
    return this.#local.addresses();
  }

  /** Nothing is put off: from scratch it would be the same. */
  get isSettled(): boolean {
    return this.#before?.drawn.isSettled ?? true;
  }

  /** `inHurry`: what the kernel would take long for, and need not be at once, is put off until it is called without: seating.ts. */
  follow(
    program: Program,
    placement: Placement,
    facts: NodeFacts,
    pending?: Situation,
    { inHurry = false }: { readonly inHurry?: boolean } = {},
  ): Rendering {
    const state: State = { inForce: { program, placement }, facts, pending };
    const before = this.#before;
    const moved = movedSets(before?.state, state) ?? new Set(this.#members.keys());
    const isTouched = [this.#local.follow(placement.endpoints), this.#followMembers(state, moved)].includes(true);
    if (before?.state.inForce.program !== program || before.state.pending?.program !== pending?.program)
      this.#blocks.use([program, ...(pending === undefined ? [] : [pending.program])].map(({ blocks }) => blocks));
    // Most that happens in a cluster happens elsewhere: then nothing but members of sets can be others.
    const isSame =
      !isTouched && before !== undefined && isOfSamePolicies(before.state, state) && (inHurry || this.isSettled);
    const drawn = isSame ? before.drawn : this.#draw(state, inHurry);
    const hasSameRules = drawn.structure.fragments === before?.drawn.structure.fragments;
    this.#before = { state, drawn };
    const changes = this.#table.change(drawn.structure, moved, (id) => this.#memberOf(id, state));
    if (!hasSameRules) this.#forgetMembers();
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

  #draw(state: State, inHurry: boolean): Drawn {
    const { inForce, facts, pending } = state;
    const pods = this.#local.pods();
    this.#serve(familiesOf(pods));
    const classes = new Map<string, ClassChain>();
    const player = this.#player(inForce, state, classes);
    const playStaged = pending && this.#player(pending, state, classes).play;
    const { verdicts, problems } = governedBy({
      ...{ hosts: this.#local.hosts, links: facts.links, podInterfaces: this.#settings.podInterfaces },
      ...{ of: "host", play: player.play },
    });
    const staged = playStaged && stagedMaps(pods, (endpoint) => isStagedFor(endpoint, state), playStaged);
    const hosts = new Map([...verdicts, ...this.#stagedHosts(state, playStaged)]);
    const guests = this.#guests.of(pods, player.wayOf);
    const ways = this.#local.expected.map(player.wayOf);
    const expected = roomsFor(ways);
    const toNode = ownNodeChains([...guests, ...ways]);
    const seating = this.#seat(guests, expected, classes, inHurry);
    const maps = new Map([...dispatchMaps(guests, seating.newcomers, hosts), ...(staged ?? [])]);
    const base = this.#baseOf(state, hosts, toNode, [...(staged?.keys() ?? [])]);
    const links = this.#links.of(facts.links);
    const own = [
      ...[...links.sets, ...podSets(guests), ...lastingSets(facts.podCidrs, this.#settings.logRate)],
      ...roomSets(seating, this.#podFamilies, guests),
      ...ownNodeSets(toNode, guests),
    ];
    this.#classes = classes;
    const fragments = this.#sameOr([
      base,
      this.#roomsOf(seating.rooms),
      ...[...classes.values()].map(({ fragment }) => fragment),
    ]);
    const all = [...fragments.flatMap((fragment) => fragment.problems), ...problems, ...links.problems];
    const sets = new Map(own.map((set) => [set.name, set]));
    return {
      structure: { fragments, maps, sets },
      seating,
      isSettled: isSettled(seating, expected),
      problems: distinct(all),
    };
  }

  /** Another family of pods makes other rules of all classes. */
  #serve(families: readonly Family[]): void {
    if (families.join() !== this.#podFamilies.join()) this.#classes.clear();
    this.#podFamilies = families;
  }

  #player({ program, placement }: Situation, state: State, classes: Map<string, ClassChain>): Player {
    const sources = this.#sourcesOf(program, state);
    const playClass = (name: RoleName, classId: ClassId) => {
      const key = `${name} ${classId}`;
      const chain = this.#classes.get(key) ?? chainOf(sources, placement, name, classId);
      classes.set(key, chain);
      return chain.verdict;
    };
    const play: Play = (name, { id }) => {
      const classId = placement.classOf.get(id);
      return classId === undefined ? undefined : playClass(name, classId);
    };
    const makeWay = ({ id }: Endpoint): Way => {
      const classId = placement.classOf.get(id);
      if (classId === undefined)
        return { program, classId, ways: { egress: accept, ingress: accept }, toNode: undefined, chains: [] };
      const egress = playClass("podEgress", classId) ?? accept;
      const ingress = playClass("podIngress", classId) ?? accept;
      const toNode = playClass("podToNode", classId);
      const keys = podRoles.map((role) => `${role} ${classId}`);
      const chains = keys.map((key) => [key, classes.get(key) as ClassChain] as const);
      return { program, classId, ways: { egress, ingress }, toNode, chains };
    };
    const wayOf: Player["wayOf"] = (pod) => {
      const known = this.#ways.get(pod);
      const way = known?.program === program && this.#hasAll(known.chains) ? known : makeWay(pod);
      for (const [key, chain] of way.chains) classes.set(key, chain);
      this.#ways.set(pod, way);
      return way;
    };
    return { play, wayOf };
  }

  #hasAll(chains: Way["chains"]): boolean {
    return chains.every(([key, chain]) => this.#classes.get(key) === chain);
  }

  /** Problems are those of the same hosts with what is in force. */
  #stagedHosts(state: State, play: Play | undefined): HostVerdicts {
    if (play === undefined) return new Map();
    const { verdicts } = governedBy({
      ...{ hosts: this.#local.hosts, links: state.facts.links, podInterfaces: this.#settings.podInterfaces },
      of: "stagedHost",
      play: (role, host) => (isStagedFor(host, state) ? play(role, host) : undefined),
    });
    return verdicts;
  }

  #seat(guests: readonly Guest[], expected: Rooms, classes: Map<string, ClassChain>, inHurry: boolean): Seating {
    const before = this.#before?.drawn;
    const chains = before && this.#chainsOf(before.seating.rooms);
    if (!inHurry || before === undefined || chains === undefined) return settled(expected);
    const seating = hurried(before.seating, expected, guests, (guest) => isInMaps(before.structure.maps, guest));
    if (seating === undefined) return settled(expected);
    for (const [key, chain] of chains) classes.set(key, chain);
    return seating;
  }

  /** Of the classes that have rooms; undefined if one would be made anew. */
  #chainsOf(rooms: Rooms): ReadonlyMap<string, ClassChain> | undefined {
    const chains = new Map<string, ClassChain>();
    for (const classId of rooms.keys())
      for (const role of podRoles) {
        const key = `${role} ${classId}`;
        const chain = this.#classes.get(key);
        if (chain === undefined) return undefined;
        chains.set(key, chain);
      }
    return chains;
  }

  #roomsOf(rooms: Rooms): Fragment {
    const key = JSON.stringify([this.#podFamilies, ...rooms]);
    if (this.#rooms?.key !== key) this.#rooms = { key, fragment: roomChains(rooms, this.#podFamilies) };
    return this.#rooms.fragment;
  }

  /** The very list of before where it holds the same, so that nobody needs to look into it. */
  #sameOr(fragments: readonly Fragment[]): readonly Fragment[] {
    const before = new Set(this.#fragments);
    const isSame = this.#fragments.length === fragments.length && fragments.every((one) => before.has(one));
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

  #baseOf(state: State, hosts: HostVerdicts, toNode: readonly Name[], staged: readonly Name[]): Fragment {
    const ofHosts = [...hosts].map(([role, { named, others }]) => [role, named.size > 0, others ?? null]);
    const key = JSON.stringify([ofHosts, toNode, staged]);
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
    addHostChains(contextOf, this.#settings, { hosts, toNode });
    addStagedChains(draft, this.#settings, staged);
    addStagedHostChains(draft, this.#settings, { hosts, toNode });
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

/** Of those whose packets jump somewhere. */
function roomsFor(expected: readonly Pick<Guest, "classId" | "ways">[]): Rooms {
  const rooms = expected.flatMap(({ classId, ways }) =>
    classId !== undefined && leadsOn(ways) ? [[classId, ways] as const] : [],
  );
  return new Map(rooms.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
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

/** In an order of their own: fragments come in any. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  const byText = new Map(problems.map((problem) => [`${problem.subject} ${problem.sentence}`, problem]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, problem]) => problem);
}

import { type Address, type Cidr, type Family, familyOf, parseCidr } from "../core/address.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import type { Direction, Program } from "../policy/program.ts";
import { addBaseChains, addressType, type BaseSettings, families, shared } from "./base-chains.ts";
import { blockChains, classVerdict } from "./class-chain.ts";
import { Draft, type Problem } from "./draft.ts";
import { addressElement, concatenation, type Element, interfaceElement, isInterfaceName } from "./element.ts";
import { denial, type RenderContext } from "./instruction.ts";
import { addressIntervals } from "./ranges.ts";
import { addRevokedSets } from "./revoked-chain.ts";
import type { MapVerdict, Ruleset } from "./ruleset.ts";
import type { SetLookup } from "./sets.ts";

export interface RenderSettings extends BaseSettings {
  /** NFLOG group that collectors read. */
  readonly logGroup: number;
  /** Bytes of a logged packet: IPv6 and TCP headers with options fit into 128. */
  readonly logBytes: number;
}

/**
 * Priority -5 is before the filter chains of others (0), so that we report what we deny, and after DNAT in output (-100);
 * group 5 as in the collectors' settings; `slp` is the lab's prefix, `cali` Calico's.
 */
export const defaultSettings: RenderSettings = {
  priority: -5,
  podInterfaces: ["slp", "cali"],
  antiSpoofing: true,
  unknownEndpoints: "deny",
  logGroup: 5,
  logBytes: 128,
};

/** The node whose ruleset it is. */
export interface NodeView {
  readonly node: string;
  /** Behind which of the node's interfaces an address is. */
  readonly interfaces: ReadonlyMap<Address, string>;
  readonly podCidrs: readonly Cidr[];
  readonly settings: RenderSettings;
}

export interface Rendered {
  readonly ruleset: Ruleset;
  readonly problems: readonly Problem[];
}

/**
 * The ruleset of one node: what these policies mean for the pods that run there. Only sets, blocks and classes that those
 * pods need are in it. What cannot be expressed denies, and is among the problems.
 */
export function render(program: Program, placement: Placement, view: NodeView): Rendered {
  const draft = new Draft();
  const pods = localPods(placement, view.node);
  addNodeSets(draft, view, pods);
  for (const direction of ["egress", "ingress"] as const) {
    const context = contextOf(draft, program, placement, view, direction);
    addBaseChains(context, view.settings);
    addDispatch(context, program, placement, pods);
  }
  return draft.finish();
}

/** RFC 4291, 2.7 */
const multicast6 = parseCidr("ff00::/8");

type Pods = ReadonlyMap<Address, Endpoint>;

/** Who of this node has which address. If two endpoints claim one, the last has it, on whatever node: as the evaluator sees it. */
function localPods(placement: Placement, node: string): Pods {
  const owners = new Map<Address, Endpoint>();
  for (const endpoint of placement.endpoints.values())
    if (endpoint.kind === "pod" && !endpoint.hostNetwork)
      for (const address of endpoint.addresses) owners.set(address, endpoint);
  return new Map([...owners].filter(([, endpoint]) => endpoint.node === node));
}

function contextOf(
  draft: Draft,
  program: Program,
  placement: Placement,
  { settings }: NodeView,
  direction: Direction,
): RenderContext {
  const sets: SetLookup = (id) => {
    const [definition, members] = [program.sets.get(id), placement.members.get(id)];
    return definition === undefined || members === undefined ? undefined : { definition, members };
  };
  return { draft, sets, direction, log: { group: settings.logGroup, snaplen: settings.logBytes } };
}

function addDispatch(context: RenderContext, program: Program, placement: Placement, pods: Pods): void {
  const chainOf = blockChains(context, program);
  const verdicts = new Map<string, MapVerdict>();
  const verdictOf = (endpoint: Endpoint): MapVerdict => {
    const id = placement.classOf.get(endpoint.id);
    const found = id === undefined ? undefined : placement.classes.get(id);
    if (id === undefined || found === undefined) return unclassified(context, id);
    const verdict = verdicts.get(id) ?? classVerdict(context, found, chainOf);
    verdicts.set(id, verdict);
    return verdict;
  };
  for (const family of families) {
    const own = [...pods].filter(([address]) => familyOf(address) === family);
    const entries = own.map(([address, endpoint]) => [addressElement(address), verdictOf(endpoint)] as const);
    context.draft.map(shared.dispatch(context.direction, family), [addressType(family)], new Map(entries.sort(byKey)));
  }
}

/** Without a class: not subject to policy. With one that is not there: broken, so it denies. */
function unclassified(context: RenderContext, id: string | undefined): MapVerdict {
  if (id === undefined) return { verdict: "accept" };
  context.draft.problem(id, "is no known class: its endpoints are denied everything");
  return {
    verdict: "jump",
    to: context.draft.chain("class", [{ when: [], statements: denial(context, "unrenderable") }]),
  };
}

function addNodeSets(draft: Draft, view: NodeView, pods: Pods): void {
  for (const family of families) {
    const address = addressType(family);
    draft.set(shared.bindings(family), ["ifname", address], null, () => bindings(draft, view, family));
    draft.set(shared.bound(family), [address], null, () => bound(view, family));
    draft.set(shared.self(family), [address, address], null, () => selfPairs(pods, family));
    addRevokedSets(draft, family);
    draft.set(shared.podCidrs(family), [address], "interval", () => addressIntervals(family, view.podCidrs));
  }
  draft.set(shared.multicast6, [addressType(6)], "interval", () => addressIntervals(6, [multicast6]));
}

function bindings(draft: Draft, { interfaces }: NodeView, family: Family): ReadonlySet<Element> {
  const elements: Element[] = [];
  for (const [address, name] of interfaces) {
    if (familyOf(address) !== family) continue;
    if (isInterfaceName(name)) elements.push(concatenation(interfaceElement(name), addressElement(address)));
    else draft.problem(JSON.stringify(name), "is an interface name that nft may not see: what comes from it is denied");
  }
  return new Set(elements.sort());
}

/** Of pod interfaces only: a gateway may be behind another interface than the one that the route to it names. */
function bound({ interfaces, settings }: NodeView, family: Family): ReadonlySet<Element> {
  const isPods = (name: string) => settings.podInterfaces.some((prefix) => name.startsWith(prefix));
  const own = [...interfaces].filter(([address, name]) => familyOf(address) === family && isPods(name));
  return new Set(own.map(([address]) => addressElement(address)).sort());
}

function selfPairs(pods: Pods, family: Family): ReadonlySet<Element> {
  const own = [...pods].filter(([address]) => familyOf(address) === family);
  const byPod = Map.groupBy(own, ([, { id }]) => id);
  const pairs = [...byPod.values()].flatMap((addresses) =>
    addresses.flatMap(([a]) => addresses.map(([b]) => concatenation(addressElement(a), addressElement(b)))),
  );
  return new Set(pairs.sort());
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

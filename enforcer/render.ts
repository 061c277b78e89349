import type { Address, Cidr } from "../core/address.ts";
import type { Placement } from "../policy/placement.ts";
import type { Program } from "../policy/program.ts";
import type { Situation } from "../policy/space/situation.ts";
import type { Problem } from "./draft.ts";
import { Renderer, type RenderSettings } from "./renderer.ts";
import type { Ruleset } from "./ruleset.ts";

/**
 * Priority -5 is before the filter chains of others (0), so that we report what we deny, and after DNAT in output (-100);
 * group 5 as in the collectors' settings; `slp` is the lab's prefix, `cali` Calico's.
 */
export const defaultSettings: RenderSettings = {
  priority: -5,
  podInterfaces: ["slp", "cali"],
  antiSpoofing: true,
  unknownEndpoints: "deny",
  deny: "drop",
  logGroup: 5,
  logBytes: 128,
  logRate: 10,
};

/** The node whose ruleset it is. */
export interface NodeView {
  readonly node: string;
  /** Behind which of the node's interfaces an address is. */
  readonly interfaces: ReadonlyMap<Address, string>;
  /** On which interface an address of the node itself is. */
  readonly own?: ReadonlyMap<Address, string>;
  readonly podCidrs: readonly Cidr[];
  readonly settings: RenderSettings;
}

export interface Rendered {
  readonly ruleset: Ruleset;
  readonly problems: readonly Problem[];
}

/** The ruleset of one node, from scratch. */
export function render(program: Program, placement: Placement, view: NodeView, pending?: Situation): Rendered {
  const { node, interfaces, own, podCidrs, settings } = view;
  const renderer = new Renderer(node, settings);
  const links = { behind: interfaces, own: own ?? new Map() };
  const { problems } = renderer.follow(program, placement, { links, podCidrs }, pending);
  return { ruleset: renderer.ruleset, problems };
}

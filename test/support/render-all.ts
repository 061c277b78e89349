import { type Address, type Cidr, parseCidr } from "../../core/address.ts";
import type { Problem } from "../../enforcer/draft.ts";
import { defaultSettings, type NodeView, render } from "../../enforcer/render.ts";
import type { RenderSettings } from "../../enforcer/renderer.ts";
import type { Ruleset } from "../../enforcer/ruleset.ts";
import type { Placement } from "../../policy/placement.ts";
import type { Program } from "../../policy/program.ts";
import { interfaceOf } from "./journey.ts";

/** How a node sees itself where every pod has its own interface. */
export function viewOf(
  placement: Placement,
  node: string,
  podCidrs: readonly string[] = [],
  settings: Partial<RenderSettings> = {},
): NodeView {
  const cidrs: readonly Cidr[] = podCidrs.map(parseCidr);
  const addresses = [...placement.endpoints.values()]
    .filter((endpoint) => endpoint.kind === "pod" && endpoint.node === node)
    .flatMap((endpoint) => endpoint.addresses);
  const interfaces = new Map(addresses.map((address: Address) => [address, interfaceOf(address)]));
  const ofNode = [...placement.endpoints.values()].filter(({ kind, name }) => kind === "node" && name === node);
  const own = new Map(ofNode.flatMap(({ addresses }) => addresses.map((address) => [address, "eth0"] as const)));
  return { node, interfaces, own, podCidrs: cidrs, settings: { ...defaultSettings, ...settings } };
}

/** The ruleset of each node, by name. Fails on problems. */
export function renderAll(
  program: Program,
  placement: Placement,
  nodes: readonly { readonly name: string; readonly podCidrs: readonly string[] }[],
): Map<string, Ruleset> {
  return new Map(
    nodes.map(({ name, podCidrs }) => {
      const { ruleset, problems } = render(program, placement, viewOf(placement, name, podCidrs));
      if (problems.length > 0) throw new Error(problems.map(sentenceOf).join("; "));
      return [name, ruleset];
    }),
  );
}

/** The ruleset of one node. */
export function rulesetOf(program: Program, placement: Placement, node: string): Ruleset {
  return render(program, placement, viewOf(placement, node)).ruleset;
}

function sentenceOf({ subject, sentence }: Problem): string {
  return `${subject} ${sentence}`;
}

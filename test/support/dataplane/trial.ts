import type { Address } from "../../../core/address.ts";
import { defaultSettings, render } from "../../../enforcer/render.ts";
import type { Ruleset } from "../../../enforcer/ruleset.ts";
import type { Placement } from "../../../policy/placement.ts";
import type { Program } from "../../../policy/program.ts";
import { type Layout, layoutOf, type NodeLayout, podDevice } from "./layout.ts";

/** A world about which three are asked: the evaluator, the rulesets of its nodes in memory, and the same in the kernel. */
export interface Trial {
  readonly program: Program;
  readonly placement: Placement;
  readonly layout: Layout;
  /** Of each node of the layout. */
  readonly rulesets: readonly Ruleset[];
}

/** `beyondSecond`: outside addresses to which the second network leads. */
export function trialOf(program: Program, placement: Placement, beyondSecond?: ReadonlySet<Address>): Trial {
  const layout = layoutOf(placement, beyondSecond);
  const rulesets = layout.nodes.map(({ name, own, pods }) => {
    // Without the CIDRs of pods: what comes from an address there that nobody has is denied, and the evaluator does not know of it.
    const view = { node: name, interfaces: interfacesOf(pods), own, podCidrs: [], settings: defaultSettings };
    return render(program, placement, view).ruleset;
  });
  return { program, placement, layout, rulesets };
}

function interfacesOf(pods: NodeLayout["pods"]): ReadonlyMap<Address, string> {
  return new Map(pods.flatMap((addresses, pod) => addresses.map((address) => [address, podDevice(pod)] as const)));
}

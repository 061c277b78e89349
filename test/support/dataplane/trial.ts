import type { Address } from "../../../core/address.ts";
import { defaultSettings, render } from "../../../enforcer/render.ts";
import type { Ruleset } from "../../../enforcer/ruleset.ts";
import type { Placement } from "../../../policy/placement.ts";
import type { Program } from "../../../policy/program.ts";
import type { Situation } from "../../../policy/space/situation.ts";
import { type Layout, layoutOf, type NodeLayout, podDevice } from "./layout.ts";

/** A world about which three are asked: the evaluator, the rulesets of its nodes in memory, and the same in the kernel. */
export interface Trial {
  readonly program: Program;
  readonly placement: Placement;
  readonly layout: Layout;
  /** Of each node of the layout. */
  readonly rulesets: readonly Ruleset[];
}

export interface TrialOptions {
  /** Outside addresses to which the second network leads. */
  readonly beyondSecond?: ReadonlySet<Address>;
  /** What would be in force if what is staged were: it counts in the kernel, and decides nothing. */
  readonly pending?: Situation;
  readonly deny?: "drop" | "reject";
}

export function trialOf(program: Program, placement: Placement, options: TrialOptions = {}): Trial {
  const layout = layoutOf(placement, options.beyondSecond);
  // What became of each packet is read from the log.
  const settings = { ...defaultSettings, logRate: 0, deny: options.deny ?? defaultSettings.deny };
  const rulesets = layout.nodes.map(({ name, own, pods }) => {
    // Without the CIDRs of pods: what comes from an address there that nobody has is denied, and the evaluator does not know of it.
    const view = { node: name, interfaces: interfacesOf(pods), own, podCidrs: [], settings };
    return render(program, placement, view, options.pending).ruleset;
  });
  return { program, placement, layout, rulesets };
}

function interfacesOf(pods: NodeLayout["pods"]): ReadonlyMap<Address, string> {
  return new Map(pods.flatMap((addresses, pod) => addresses.map((address) => [address, podDevice(pod)] as const)));
}

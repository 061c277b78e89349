// Rulesets that depend on no policy.
import type { Placement } from "../policy/placement.ts";
import type { Program } from "../policy/program.ts";
import { render } from "./render.ts";
import type { RenderSettings } from "./renderer.ts";
import { emptyRuleset, nameOf, type Ruleset } from "./ruleset.ts";

const noProgram: Program = {
  revision: "",
  sets: new Map(),
  blocks: new Map(),
  applies: [],
  rules: new Map(),
  notEnforced: [],
};
const nobody: Placement = { classOf: new Map(), classes: new Map(), members: new Map(), endpoints: new Map() };

/**
 * For a node of whose pods nothing is known yet: nothing passes to or from a pod but from the node itself, and what is established
 * already. Other traffic of the node is not touched.
 */
export function closedRuleset(node: string, settings: RenderSettings): Ruleset {
  // Who is behind which interface is not known either: answers to the node's probes would count as spoofed.
  const closed: RenderSettings = { ...settings, unknownEndpoints: "deny", antiSpoofing: false };
  return render(noProgram, nobody, { node, interfaces: new Map(), podCidrs: [], settings: closed }).ruleset;
}

/**
 * Lets everything pass. Its one rule stands where no packets come by: it makes the kernel go on tracking connections, so that they are
 * still recorded.
 */
export const openRuleset: Ruleset = {
  ...emptyRuleset,
  chains: new Map([
    [
      nameOf("track"),
      {
        name: nameOf("track"),
        base: null,
        rules: [{ when: [{ if: "connection", state: "established" }], statements: [{ do: "accept" }] }],
      },
    ],
  ]),
};

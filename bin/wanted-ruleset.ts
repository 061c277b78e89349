import type { Address } from "../core/address.ts";
import type { Config } from "../core/config.ts";
import { SluiceError } from "../core/errors.ts";
import { KernelInterfaces } from "../enforcer/interfaces-kernel.ts";
import { type Rendered, render } from "../enforcer/render.ts";
import type { Placement } from "../policy/placement.ts";
import type { Program } from "../policy/program.ts";
import { openPolicyFolder, type PolicyFolder } from "./policy-folder.ts";
import { renderSettingsOf } from "./render-settings.ts";
import type { Rim } from "./rim.ts";

/** What a folder of manifests means for one node. */
export interface WantedRuleset extends Rendered {
  readonly node: string;
  readonly program: Program;
  readonly placement: Placement;
}

export interface WantedFrom {
  readonly folder: string;
  readonly node: string;
  readonly config: Config;
  /** Behind which interface an address is, as the node's kernel knows it. */
  readonly interfaces: ReadonlyMap<Address, string>;
}

export async function wantedRuleset(from: WantedFrom, rim: Pick<Rim, "note">): Promise<WantedRuleset> {
  const { folder, node, config, interfaces } = from;
  const opened = await openPolicyFolder(folder, rim);
  const podCidrs = podCidrsOf(opened, node);
  const [program, placement] = [opened.world.program(), opened.world.placement()];
  const rendered = render(program, placement, { node, interfaces, podCidrs, settings: renderSettingsOf(config) });
  for (const { subject, sentence } of rendered.problems) rim.note(`${subject} ${sentence}`);
  return { ...rendered, node, program, placement };
}

/** Throws USAGE for a node that the folder does not know: its ruleset would deny all pods there are. */
function podCidrsOf({ world }: PolicyFolder, name: string) {
  const nodes = world.nodes();
  const node = nodes.get(name);
  if (node !== undefined) return node.podCidrs;
  const known = [...nodes.keys()].sort().slice(0, 20);
  const there = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
  throw new SluiceError("USAGE", `no Node "${name}" among the objects, ${there}: choose one with --node`);
}

/** Behind which interface each address is, in the network namespace of a path; null is our own. */
export async function interfacesIn(namespacePath: string | null): Promise<ReadonlyMap<Address, string>> {
  const interfaces = new KernelInterfaces();
  try {
    return await interfaces.in(namespacePath).read();
  } finally {
    await interfaces.close();
  }
}

import type { Config } from "../core/config.ts";
import { SluiceError } from "../core/errors.ts";
import type { Links } from "../enforcer/interfaces.ts";
import { KernelInterfaces } from "../enforcer/interfaces-kernel.ts";
import { enforcedPart, modesOf } from "../enforcer/modes.ts";
import { type Rendered, render } from "../enforcer/render.ts";
import type { Program } from "../policy/program.ts";
import type { Place } from "./folder.ts";
import { openPolicyFolder, type PolicyFolder } from "./policy-folder.ts";
import { renderSettingsOf } from "./render-settings.ts";
import type { Rim } from "./rim.ts";

/** What a folder of manifests means for one node. */
export interface WantedRuleset extends Rendered {
  readonly node: string;
  readonly program: Program;
  /** What ids stand for, those of staged policies as well. */
  readonly rules: Program["rules"];
}

export interface WantedFrom {
  readonly folder: Place;
  readonly node: string;
  readonly config: Config;
  /** Behind which interface an address is, as the node's kernel knows it. */
  readonly links: Links;
}

export async function wantedRuleset(from: WantedFrom, rim: Pick<Rim, "note">): Promise<WantedRuleset> {
  const { folder, node, config, links } = from;
  const opened = await openPolicyFolder(folder, rim, config.enforcer, config.objects);
  const podCidrs = podCidrsOf(opened, node);
  const modes = modesOf(config.enforcer);
  if (!modes.hasRules(node)) rim.note(`by the settings node ${node} only observes: it should have no table of ours`);
  const [program, placement] = [opened.world.program(), enforcedPart(opened.world.placement(), modes)];
  const staged = opened.world.pending();
  const pending = { program: staged.program, placement: enforcedPart(staged.placement, modes) };
  const view = { node, interfaces: links.behind, own: links.own, podCidrs, settings: renderSettingsOf(config) };
  const rendered = render(program, placement, view, pending.program === program ? undefined : pending);
  for (const { subject, sentence } of rendered.problems) rim.note(`${subject} ${sentence}`);
  return { ...rendered, node, program, rules: new Map([...pending.program.rules, ...program.rules]) };
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

export const noLinks: Links = { behind: new Map(), own: new Map() };

/** Behind which interface each address is, in the network namespace of a path; null is our own. */
export async function linksIn(namespacePath: string | null): Promise<Links> {
  const interfaces = new KernelInterfaces();
  try {
    return await interfaces.in(namespacePath).read();
  } finally {
    await interfaces.close();
  }
}

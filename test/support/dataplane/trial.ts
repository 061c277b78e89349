import type { Address, Cidr } from "../../../core/address.ts";
import { defaultSettings, render } from "../../../enforcer/render.ts";
import type { Ruleset } from "../../../enforcer/ruleset.ts";
import { evaluatorOf } from "../../../policy/evaluate.ts";
import type { Placement } from "../../../policy/placement.ts";
import type { Program } from "../../../policy/program.ts";
import type { Packet, Path, Verdict } from "../../../policy/verdict.ts";
import { type Journey, travel } from "../journey.ts";
import type { Dataplane } from "./dataplane.ts";
import { type Fate, fateOf } from "./fate.ts";
import { type Layout, layoutOf, podDevice } from "./layout.ts";
import { type Untellable, whyUntellable } from "./untellable.ts";

/** A world of which three are asked: the evaluator, the ruleset in memory, and the ruleset in the kernel. */
export interface Trial {
  readonly program: Program;
  readonly placement: Placement;
  readonly layout: Layout;
  /** By node. */
  readonly rulesets: ReadonlyMap<string, Ruleset>;
}

/** What the three said of a packet. */
export interface Finding {
  readonly packet: Packet;
  readonly evaluator: Journey;
  readonly memory: Journey;
  /** Or why it cannot be asked. */
  readonly kernel: Fate | Untellable;
  /** In action, deciding rules and rules that logged, as far as the kernel can be asked. */
  readonly agree: boolean;
}

/** Throws on what cannot be rendered. */
export function trialOf(
  program: Program,
  placement: Placement,
  podCidrs: ReadonlyMap<string, readonly Cidr[]> = new Map(),
): Trial {
  const layout = layoutOf(placement);
  const rulesets = layout.nodes.map(({ name, pods }) => {
    const interfaces = new Map(
      pods.flatMap((addresses, pod) => addresses.map((one) => [one, podDevice(pod)] as const)),
    );
    const view = { node: name, interfaces, podCidrs: podCidrs.get(name) ?? [], settings: defaultSettings };
    const { ruleset, problems } = render(program, placement, view);
    if (problems.length > 0)
      throw new Error(problems.map(({ subject, sentence }) => `${subject} ${sentence}`).join("; "));
    return [name, ruleset] as const;
  });
  return { program, placement, layout, rulesets: new Map(rulesets) };
}

/** Asks all three about every packet. */
export async function tryOut(
  dataplane: Dataplane,
  trial: Trial,
  packets: readonly Packet[],
): Promise<readonly Finding[]> {
  const { layout, rulesets, placement } = trial;
  await dataplane.lay(layout, rulesets);
  const sent = packets.filter((packet) => whyUntellable(layout, packet) === undefined);
  const sightings = await dataplane.send(sent);
  const fates = new Map(
    sent.map((packet, at) => [packet, fateOf(sightings[at] as (typeof sightings)[number], homeOf(layout, packet))]),
  );
  const evaluate = evaluatorOf(trial.program, placement);
  const nameOf = deviceNames(layout);
  return packets.map((packet): Finding => {
    const evaluator = journeyOf(evaluate(packet));
    const fate = fates.get(packet) ?? whyUntellable(layout, packet) ?? "nowhere";
    const kernel = isInvalid(fate) ? "invalid" : fate;
    const memory = travel(rulesets, placement, packet, nameOf);
    const agree = sameJourney(evaluator, memory) && (typeof kernel === "string" || agrees(kernel, evaluator));
    return { packet, evaluator, memory, kernel, agree };
  });
}

/** What the evaluator's verdict means for a packet on its way. */
export function journeyOf({ action, egress, ingress }: Verdict): Journey {
  const logged = (path: Path | null) => (path?.steps ?? []).filter((step) => step.action === "log");
  return {
    action,
    egress: egress?.rule ?? null,
    ingress: ingress?.rule ?? null,
    logged: [...logged(egress), ...logged(ingress)].map(({ rule }) => rule),
  };
}

function homeOf({ homes }: Layout, { destination }: Packet) {
  return homes.get(destination) ?? "outside";
}

function deviceNames({ homes }: Layout): (address: Address) => string {
  return (address) => {
    const home = homes.get(address);
    if (home?.at !== "pod") throw new Error(`${address} is behind no pod's interface`);
    return podDevice(home.pod);
  };
}

function isInvalid(fate: Fate | Untellable): boolean {
  return typeof fate !== "string" && fate.action === "deny" && fate.because === "invalid";
}

function sameJourney(a: Journey, b: Journey): boolean {
  const [one, other] = [a, b].map(({ action, egress, ingress, logged }) => [action, egress, ingress, ...logged].join());
  return one === other;
}

/** Of what was denied on the node of both ends, the kernel keeps no label: so the rule that let it out is not compared. */
function agrees(fate: Fate, expected: Journey): boolean {
  if (fate.action !== expected.action || fate.logged.join() !== expected.logged.join()) return false;
  if (fate.action === "deny") return fate.because === expected[fate.direction];
  return fate.rules === undefined || (fate.rules.egress === expected.egress && fate.rules.ingress === expected.ingress);
}

import { isDeepStrictEqual } from "node:util";
import type { Address, Cidr } from "../../../core/address.ts";
import { defaultSettings, render } from "../../../enforcer/render.ts";
import type { Ruleset } from "../../../enforcer/ruleset.ts";
import { evaluatorOf } from "../../../policy/evaluate.ts";
import type { Placement } from "../../../policy/placement.ts";
import type { Program } from "../../../policy/program.ts";
import type { Packet } from "../../../policy/verdict.ts";
import { type Sighting as Glance, type Outcome, simulateAll } from "../simulate.ts";
import { type Answer, answerOf, answerOfOutcomes, answerOfVerdict, prefixOf, sameAnswer } from "./answer.ts";
import type { Dataplane } from "./dataplane.ts";
import type { Arrival, Sighting } from "./fleet.ts";
import { type Home, type Layout, layoutOf, type NodeLayout, podDevice } from "./layout.ts";
import { type Untellable, whyUntellable } from "./untellable.ts";
import { interfacesOf, passagesOf } from "./way.ts";

/** A world in which three are asked: the evaluator, the ruleset in memory, and the ruleset in the kernel. */
export interface Trial {
  readonly program: Program;
  readonly placement: Placement;
  readonly layout: Layout;
  /** Of each node of the layout. */
  readonly rulesets: readonly Ruleset[];
}

export interface TrialOptions {
  /** By name of the node. */
  readonly podCidrs?: ReadonlyMap<string, readonly Cidr[]>;
  readonly beyondSecond?: ReadonlySet<Address>;
}

/** What the three said of a packet. */
export interface Finding {
  readonly packet: Packet;
  readonly evaluator: Answer;
  /** Undefined where a packet is dropped and no message says by whom. */
  readonly memory: Answer | undefined;
  readonly kernel: Told;
  /** In action, deciding rules and rules that logged, as far as the kernel can be asked. */
  readonly agree: boolean;
}

/** What the kernel says, or why it does not. */
export type Told =
  | { readonly told: true; readonly answer: Answer }
  | { readonly told: false; readonly why: Untellable }
  /** Neither did it arrive where it should nor does one rule say that it dropped it: the kernel, the ruleset or the harness is broken. */
  | { readonly told: "nonsense"; readonly sighting: Sighting };

export function trialOf(program: Program, placement: Placement, options: TrialOptions = {}): Trial {
  const layout = layoutOf(placement, options.beyondSecond);
  const rulesets = layout.nodes.map((node) => {
    const podCidrs = options.podCidrs?.get(node.name) ?? [];
    const view = {
      node: node.name,
      interfaces: interfacesOfPods(node),
      own: node.own,
      podCidrs,
      settings: defaultSettings,
    };
    return render(program, placement, view).ruleset;
  });
  return { program, placement, layout, rulesets };
}

/** Asks all three about every packet. */
export async function tryOut(
  dataplane: Dataplane,
  trial: Trial,
  packets: readonly Packet[],
): Promise<readonly Finding[]> {
  await dataplane.lay(trial.layout, trial.rulesets);
  const told = await askKernel(dataplane, trial.layout, packets);
  const evaluate = evaluatorOf(trial.program, trial.placement);
  return packets.map((packet, at): Finding => {
    const kernel = told[at] as Told;
    const evaluator = answerOfVerdict(evaluate({ ...packet, interfaces: interfacesOf(trial.layout, packet) }));
    const memory = answerOfOutcomes(simulated(trial, packet, "new"));
    return { packet, evaluator, memory, kernel, agree: allAgree(evaluator, memory, kernel) };
  });
}

async function askKernel(dataplane: Dataplane, layout: Layout, packets: readonly Packet[]): Promise<readonly Told[]> {
  const reasons = packets.map((packet) => whyUntellable(layout, packet));
  const sightings = await dataplane.send(packets.filter((_, at) => reasons[at] === undefined));
  let sent = 0;
  return packets.map((packet, at): Told => {
    const why = reasons[at];
    return why === undefined ? toldBy(sightings[sent++] as Sighting, layout, packet) : { told: false, why };
  });
}

function toldBy(sighting: Sighting, { homes }: Layout, { destination }: Packet): Told {
  const logs = sighting.logs.map(prefixOf).filter((prefix) => prefix !== undefined);
  const { arrived, labels } = sighting;
  const isRight = arrived === null || isDeepStrictEqual(arrived, endOf(homes.get(destination)));
  const makesSense = logs.length === sighting.logs.length && isRight;
  const answer = makesSense ? answerOf({ logs, labels, dropped: arrived === null }) : undefined;
  if (answer === undefined) return { told: "nonsense", sighting };
  if (answer.action === "deny" && answer.because === "invalid") return { told: false, why: "invalid" };
  return { told: true, answer };
}

function endOf(home: Home | undefined): Arrival {
  if (home === undefined || home.at === "nowhere") return "outside";
  return home.at === "node" ? { at: "node", node: home.node } : home;
}

function simulated({ layout, rulesets }: Trial, packet: Packet, state: Glance["state"]): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  for (const { node, hooks } of passagesOf(layout, packet)) {
    const isOwn = (address: Address) => layout.nodes[node]?.own.has(address) ?? false;
    const local = { localSource: isOwn(packet.source), localDestination: isOwn(packet.destination) };
    const glances = hooks.map((hook): Glance => ({ ...hook, ...local, packet, state, hopLimit: 64 }));
    const outcome = simulateAll(rulesets[node] as Ruleset, glances);
    outcomes.push(outcome);
    if (outcome.action === "drop") break;
  }
  return outcomes;
}

/** Somebody who is nowhere is governed by nobody but the evaluator. */
function allAgree(evaluator: Answer, memory: Answer | undefined, kernel: Told): boolean {
  if (kernel.told === "nonsense") return false;
  if (kernel.told === false && kernel.why === "nowhere") return true;
  if (memory === undefined || !sameAnswer(evaluator, memory)) return false;
  return !kernel.told || sameAnswer(evaluator, kernel.answer);
}

function interfacesOfPods({ pods }: NodeLayout): ReadonlyMap<Address, string> {
  return new Map(pods.flatMap((addresses, pod) => addresses.map((address) => [address, podDevice(pod)] as const)));
}

import type { Packet } from "../../../policy/verdict.ts";
import { type Answer, sameAnswer } from "./answer.ts";
import type { Dataplane } from "./dataplane.ts";
import { type Expectation, Expectations } from "./expectation.ts";
import type { Sighting } from "./fleet.ts";
import { answerInMemory } from "./in-memory.ts";
import { replyOf } from "./reply.ts";
import type { Trial } from "./trial.ts";
import { type Untellable, whyUntellable } from "./untellable.ts";

/** What the three said of a packet. */
export interface Finding {
  readonly packet: Packet;
  readonly evaluator: Answer;
  /** Undefined where a packet is dropped and no message says by whom. */
  readonly memory: Answer | undefined;
  readonly kernel: Told;
  /** In action, deciding rules and rules that logged, as far as they can be compared. */
  readonly agree: boolean;
}

/** What the kernel says, or why it is not asked. */
export type Told =
  | { readonly told: "yes"; readonly answer: Answer }
  /** It denied the packet as invalid, as it should, and was asked again without connection tracking: so policy decided. */
  | { readonly told: "untracked"; readonly answer: Answer }
  | { readonly told: "no"; readonly why: Untellable }
  /** It says nothing that makes sense. */
  | { readonly told: "nonsense"; readonly sighting: Sighting };

/** Asks all three about every packet. The kernel's rules are loaded from scratch, or made from those of the trial before. */
export async function tryOut(
  dataplane: Dataplane,
  trial: Trial,
  packets: readonly Packet[],
  from: "scratch" | "before" = "scratch",
): Promise<readonly Finding[]> {
  await dataplane.lay(trial.layout, trial.rulesets, from);
  const told = await askKernel(dataplane, trial, packets);
  const expectations = new Expectations(trial.program, trial.placement, trial.layout);
  return packets.map((packet) => {
    const memory = answerInMemory(trial, packet, "new");
    return findingOf({ packet, memory, kernel: told.get(packet) as Told }, expectations.of(packet));
  });
}

async function askKernel(
  dataplane: Dataplane,
  trial: Trial,
  packets: readonly Packet[],
): Promise<ReadonlyMap<Packet, Told>> {
  const told = new Map<Packet, Told>();
  for (const packet of packets) {
    const why = whyUntellable(trial.layout, trial.placement, packet);
    if (why !== undefined) told.set(packet, { told: "no", why });
  }
  const ask = async (asked: readonly Packet[], how: "yes" | "untracked") => {
    const sightings = await dataplane.send(asked, how === "yes");
    for (const [at, packet] of asked.entries()) {
      const sighting = sightings[at] as Sighting;
      const answer = replyOf(sighting, trial.layout, packet);
      told.set(packet, answer === undefined ? { told: "nonsense", sighting } : { told: how, answer });
    }
  };
  const open = packets.filter((packet) => !told.has(packet));
  await ask(open, "yes");
  await ask(
    open.filter((packet) => isRightlyInvalid(trial, packet, told.get(packet))),
    "untracked",
  );
  return told;
}

/** By the kernel's word, and by that of the ruleset in memory if it is told that conntrack thinks so. */
function isRightlyInvalid(trial: Trial, packet: Packet, told: Told | undefined): boolean {
  if (told?.told !== "yes" || told.answer.action !== "deny" || told.answer.because !== "invalid") return false;
  const memory = answerInMemory(trial, packet, "invalid");
  return memory !== undefined && sameAnswer(memory, told.answer);
}

function findingOf(
  said: Pick<Finding, "packet" | "memory" | "kernel">,
  { answer: evaluator, isNeverTranslated, needsTracking }: Expectation,
): Finding {
  const { memory, kernel } = said;
  if (kernel.told === "untracked" && needsTracking)
    return { ...said, evaluator, kernel: notTold("invalid"), agree: true };
  if (isNeverTranslated && kernel.told !== "no")
    return { ...said, evaluator, kernel: notTold("untracked"), agree: true };
  return { ...said, evaluator, agree: allAgree(evaluator, memory, kernel) };
}

/** Where the kernel has nothing to say, neither has the ruleset in memory that stands for it. */
function allAgree(evaluator: Answer, memory: Answer | undefined, kernel: Told): boolean {
  if (kernel.told === "no") return true;
  if (kernel.told === "nonsense" || memory === undefined) return false;
  return sameAnswer(evaluator, memory) && sameAnswer(evaluator, kernel.answer);
}

function notTold(why: Untellable): Told {
  return { told: "no", why };
}

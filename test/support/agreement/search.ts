import { stringify } from "yaml";
import type { Packet } from "../../../policy/verdict.ts";
import type { Dataplane } from "../dataplane/dataplane.ts";
import { type Finding, tryOut } from "../dataplane/finding.ts";
import { findingText } from "../dataplane/finding-text.ts";
import type { Trial } from "../dataplane/trial.ts";
import type { Untellable } from "../dataplane/untellable.ts";
import { type Contest, trialOfContest } from "./contest.ts";
import { minimal } from "./minimal.ts";
import { type SavedCase, trialOfCase } from "./saved-case.ts";
import { type SourceName, sources } from "./source.ts";

/** What came of one world. */
export interface Search {
  readonly packets: number;
  /** Packets of which the kernel was asked nothing, or not the same. */
  readonly untold: readonly Untellable[];
  /** The first disagreement, in a world as small as can be. */
  readonly disagreement: SavedCase | null;
}

/**
 * Asks the three about all packets of a random world. The kernel's rules are made from those of the world before, so that the changes of diff.ts are
 * held to their word as well.
 */
export async function searchWorld(dataplane: Dataplane, source: SourceName, seed: number): Promise<Search> {
  const { trial, packets, contest } = sources[source](seed);
  const findings = await tryOut(dataplane, trial, packets, "before");
  const untold = findings.flatMap(({ kernel }) => (kernel.told === "no" ? [kernel.why] : []));
  const bad = findings.find(({ agree }) => !agree);
  if (bad === undefined) return { packets: packets.length, untold, disagreement: null };
  if ((await findingIn(dataplane, trial, bad.packet)).agree)
    throw new Error(
      `${source} ${seed}: only where the rules were changed from those before:\n${findingText(bad, trial.program)}`,
    );
  const world = contest === null ? { source, seed } : await smallest(dataplane, contest, bad.packet);
  return { packets: packets.length, untold, disagreement: { world, packet: bad.packet } };
}

/** What the three say in a saved case. */
export async function replay(dataplane: Dataplane, saved: SavedCase): Promise<{ agree: boolean; text: string }> {
  const trial = trialOfCase(saved);
  const finding = await findingIn(dataplane, trial, saved.packet);
  const tracked = finding.kernel.told !== "untracked";
  const trace = finding.agree ? "" : `\n${await dataplane.trace(saved.packet, tracked)}`;
  return { agree: finding.agree, text: `${worldText(saved)}${findingText(finding, trial.program)}${trace}` };
}

async function smallest(dataplane: Dataplane, contest: Contest, packet: Packet): Promise<Contest> {
  return minimal(contest, async (smaller) => !(await findingIn(dataplane, trialOfContest(smaller), packet)).agree);
}

async function findingIn(dataplane: Dataplane, trial: Trial, packet: Packet): Promise<Finding> {
  return (await tryOut(dataplane, trial, [packet]))[0] as Finding;
}

/** Objects as the YAML that a cluster takes. */
function worldText({ world }: SavedCase): string {
  if ("seed" in world) return `  world:     ${world.source} ${world.seed}\n`;
  const beyond = world.beyondSecond.length === 0 ? "" : `# beyond eth1: ${world.beyondSecond.join(", ")}\n`;
  const answers = world.deny === "reject" ? "# deny: reject\n" : "";
  const set = world.podToHost === "policy" ? "" : `# podToHost: ${world.podToHost}\n`;
  return `${beyond}${answers}${set}${world.objects.map((object) => `---\n${stringify(object)}`).join("")}`;
}

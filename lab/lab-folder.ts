import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { Lab } from "./lab.ts";
import { ManifestFolder } from "./manifest-folder.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";

export interface LabFolder {
  readonly name: string;
  /** Manifests, and at most one Scenario. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The lab that a folder describes, not yet up, and what is to happen in it. Throws MANIFEST_INVALID. */
export async function readLab({ name, folder, clock, log }: LabFolder): Promise<{ lab: Lab; scenario: Scenario }> {
  const objects = await new ManifestFolder(folder).objects();
  const scenario = scenarioOf(objects);
  return { lab: new Lab({ name, objects, externals: scenario.externals, clock, log }), scenario };
}

/** Copies the manifests for a scenario to edit, into a folder that goes when the lab, which must be up, goes. */
export async function workingCopy(lab: Lab, folder: string): Promise<string> {
  const copy = join(lab.scratch, "manifests");
  await cp(folder, copy, { recursive: true });
  return copy;
}

// What must outlast the process: `control/state.json`, beside it the Programs that it names as `program-REVISION.json`.
import { readdir, rm } from "node:fs/promises";
import { z } from "zod";
import { readPrivateFile, writePrivateFile } from "../../core/private-file.ts";
import type { BreakGlass } from "../../enforcer/break-glass.ts";
import type { Rollout } from "../../enforcer/rollout.ts";
import type { Program } from "../../policy/program.ts";
import { parseProgramText, programText } from "../../policy/program-text.ts";
import type { ControlFolder } from "./folder.ts";
import { parsed } from "./messages.ts";

const revision = z.string().regex(/^[0-9a-f]{16}$/);
const moment = z.int().min(0);
const schema = z.strictObject({
  format: z.literal("sluice control state 1"),
  rollout: z.strictObject({
    confirmed: revision.nullable(),
    trial: z.strictObject({ revision, where: z.enum(["canaries", "everywhere"]), since: moment }).nullable(),
    held: z
      .strictObject({ revision, because: z.enum(["closes", "trouble", "unconfirmed"]), details: z.array(z.string()) })
      .nullable(),
  }),
  breakGlass: z.array(
    z.strictObject({
      reason: z.string(),
      node: z.string().nullable(),
      from: moment,
      until: moment,
      by: z.string(),
    }),
  ),
});

export interface ControlState {
  readonly rollout: Rollout;
  readonly breakGlass: readonly BreakGlass[];
}

const limits = { code: "CONTROL_INVALID", maxBytes: 1_048_576 } as const;
const programLimits = { code: "LAST_GOOD_INVALID", maxBytes: 536_870_912 } as const;

/** Undefined if there is none. Throws CONTROL_INVALID if it is not accepted. */
export async function readState(folder: ControlFolder): Promise<ControlState | undefined> {
  const text = await readPrivateFile(`${folder.path}/state.json`, limits);
  return text === undefined ? undefined : parsed(schema, text, "the state of the last run");
}

/** The Programs that a state names, as far as they are there. Throws LAST_GOOD_INVALID if one is damaged. */
export async function readPrograms(folder: ControlFolder, { confirmed, trial }: Rollout): Promise<readonly Program[]> {
  const revisions = [confirmed, trial?.revision ?? null].filter((one) => one !== null);
  const texts = await Promise.all(revisions.map((one) => readPrivateFile(pathOf(folder, one), programLimits)));
  return texts.filter((text) => text !== undefined).map(parseProgramText);
}

/** Programs first, then the state that names them, then what it does not name any more goes. */
export async function writeState(
  folder: ControlFolder,
  state: ControlState,
  programs: readonly Program[],
): Promise<void> {
  const there = await readdir(folder.path);
  for (const program of programs)
    if (!there.includes(fileOf(program.revision)))
      await writePrivateFile(pathOf(folder, program.revision), programText(program));
  const text = JSON.stringify({ format: "sluice control state 1", ...state }, undefined, 2);
  await writePrivateFile(`${folder.path}/state.json`, `${text}\n`);
  const named = new Set(programs.map((program) => fileOf(program.revision)));
  for (const name of there)
    if (/^program-.*\.json$/.test(name) && !named.has(name)) await rm(`${folder.path}/${name}`, { force: true });
}

const fileOf = (one: string): string => `program-${one}.json`;
const pathOf = (folder: ControlFolder, one: string): string => `${folder.path}/${fileOf(one)}`;

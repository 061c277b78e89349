import { link, mkdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { SluiceError } from "../core/errors.ts";

// A lab belongs to the process that brought it up. /run/sluice-lab/<name>.json says which; the start time tells that process
// from a later one with the same id (proc_pid_stat(5), field 22).

const folder = "/run/sluice-lab";

/** A place for the lab's own files. It exists as long as the lab is up. */
export const scratchFolder = (lab: string): string => `${folder}/${lab}`;

interface Owner {
  readonly pid: number;
  /** Clock ticks after boot. */
  readonly startTime: string;
}

/** Makes this process the owner of the lab's name. Throws LAB_FAILED if another living process is. */
export async function claim(lab: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const mine: Owner = { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? "" };
  for (;;) {
    if (await create(lab, mine)) break;
    const owner = await ownerOf(lab);
    if (owner !== undefined && (await startTimeOf(owner.pid)) === owner.startTime)
      throw new SluiceError("LAB_FAILED", `lab "${lab}" is up already, by process ${owner.pid}; stop that one first`, {
        context: { lab, pid: owner.pid },
      });
    await rm(fileOf(lab), { force: true });
  }
  await rm(scratchFolder(lab), { recursive: true, force: true });
  await mkdir(scratchFolder(lab));
}

/** Gives the name up and leaves no file behind. */
export async function release(lab: string): Promise<void> {
  await rm(scratchFolder(lab), { recursive: true, force: true });
  await rm(fileOf(lab), { force: true });
  await rmdir(folder).catch(() => {}); // other labs are up
}

const fileOf = (lab: string): string => `${folder}/${lab}.json`;

/** Linking a finished file into place is atomic: nobody ever reads half an owner. */
async function create(lab: string, owner: Owner): Promise<boolean> {
  const draft = `${folder}/.${lab}.${owner.pid}`;
  try {
    await writeFile(draft, `${JSON.stringify(owner)}\n`);
    await link(draft, fileOf(lab));
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw new SluiceError("LAB_FAILED", `cannot write ${fileOf(lab)}`, { cause: thrown });
  } finally {
    await rm(draft, { force: true });
  }
}

/** The owner on file; nothing if the file is none of ours. */
async function ownerOf(lab: string): Promise<Owner | undefined> {
  try {
    const read = JSON.parse(await readFile(fileOf(lab), "utf8")) as Partial<Owner>;
    return typeof read.pid === "number" && typeof read.startTime === "string" ? (read as Owner) : undefined;
  } catch {
    return undefined;
  }
}

/** Start time of a living process, or undefined if there is none. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : fields[18];
}

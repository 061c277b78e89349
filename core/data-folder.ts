import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { messageOf, SluiceError } from "./errors.ts";

// <data>/FORMAT   version of everything in the folder
// <data>/LOCK     {pid, startTime} of the process that writes; the start time tells it from a later process with the same
//                 id (proc_pid_stat(5), field 22)

const version = "sluice 1";

/** A data folder's right to be written, held until `release`. */
export interface Claim {
  release(): Promise<void>;
}

/** Makes this process the one that writes. Throws DATA_IN_USE if a living process is, DATA_VERSION as `checkFormat` does. */
export async function claimFolder(folder: string): Promise<Claim> {
  try {
    await mkdir(folder, { recursive: true });
    await lock(folder);
  } catch (thrown) {
    if (thrown instanceof SluiceError) throw thrown;
    throw new SluiceError("STORE_FAILED", `cannot use data folder ${folder}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const release = () => rm(`${folder}/LOCK`, { force: true });
  try {
    if ((await formatOf(folder)) === undefined) await writeFile(`${folder}/FORMAT`, `${version}\n`, { flush: true });
    await checkFormat(folder);
  } catch (thrown) {
    await release();
    throw thrown;
  }
  return { release };
}

/** Throws DATA_VERSION if the folder holds another format than ours. One without anything is fine. */
export async function checkFormat(folder: string): Promise<void> {
  const found = await formatOf(folder);
  if (found === undefined || found === version) return;
  const message = `data folder ${folder} has format "${found.slice(0, 40)}"; this version reads "${version}" only`;
  throw new SluiceError("DATA_VERSION", message, { context: { folder } });
}

async function formatOf(folder: string): Promise<string | undefined> {
  const text = await readFile(`${folder}/FORMAT`, "utf8").catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return "";
    throw new SluiceError("STORE_FAILED", `cannot read ${folder}/FORMAT: ${thrown.message}`, { cause: thrown });
  });
  return text.trim() === "" ? undefined : text.trim(); // empty: a crash right after it was made
}

interface Owner {
  readonly pid: number;
  readonly startTime: string;
}

async function lock(folder: string): Promise<void> {
  const mine: Owner = { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? "" };
  while (!(await create(folder, mine))) {
    const owner = await ownerOf(folder);
    if (owner !== undefined && (await startTimeOf(owner.pid)) === owner.startTime) {
      const message = `data folder ${folder} is in use by process ${owner.pid}; stop it or choose another folder`;
      throw new SluiceError("DATA_IN_USE", message, { context: { folder, pid: owner.pid } });
    }
    await rm(`${folder}/LOCK`, { force: true });
  }
}

/** Linking a finished file into place is atomic: nobody ever reads half an owner. */
async function create(folder: string, owner: Owner): Promise<boolean> {
  const draft = `${folder}/.LOCK.${owner.pid}`;
  try {
    await writeFile(draft, `${JSON.stringify(owner)}\n`);
    await link(draft, `${folder}/LOCK`);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw thrown;
  } finally {
    await rm(draft, { force: true });
  }
}

/** The owner on file; nothing if the file is none of ours. */
async function ownerOf(folder: string): Promise<Owner | undefined> {
  try {
    const read = JSON.parse(await readFile(`${folder}/LOCK`, "utf8")) as Partial<Owner>;
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

import { type FileHandle, mkdir, readFile, writeFile } from "node:fs/promises";
import { messageOf, SluiceError } from "./errors.ts";
import { lockFile } from "./file-lock.ts";

// <data>/FORMAT   version of everything in the folder
// <data>/LOCK     locked by the process that writes, and its id. It stays: only the lock counts.

const version = "sluice 2";

/** A data folder's right to be written, held until `release`. */
export interface Claim {
  release(): Promise<void>;
}

/** Makes this process the one that writes. Throws DATA_IN_USE if a living process is, DATA_VERSION as `checkFormat` does. */
export async function claimFolder(folder: string): Promise<Claim> {
  let held: FileHandle;
  try {
    await mkdir(folder, { recursive: true });
    held = await lock(folder);
  } catch (thrown) {
    if (thrown instanceof SluiceError) throw thrown;
    throw new SluiceError("STORE_FAILED", `cannot use data folder ${folder}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const release = () => held.close();
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

/** Holds `<folder>/LOCK`; its content is only for who is refused. */
async function lock(folder: string): Promise<FileHandle> {
  const file = await lockFile(`${folder}/LOCK`);
  if (file === undefined) {
    const owner = (await readFile(`${folder}/LOCK`, "utf8")).trim();
    const by = /^\d+$/.test(owner) ? `process ${owner}` : "another process";
    throw new SluiceError("DATA_IN_USE", `data folder ${folder} is in use by ${by}; stop it or choose another folder`, {
      context: { folder, owner },
    });
  }
  await file.truncate(0);
  await file.write(`${process.pid}\n`);
  return file;
}

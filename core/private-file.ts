// Files that only we may write, since we do what they say: mode 0600, written whole or not at all, and read only if nobody else
// could have written them.
import { constants } from "node:fs";
import { mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { type ErrorCode, messageOf, SluiceError } from "./errors.ts";

/** Makes a folder that only we may enter. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

let written = 0;

/** Replaces a file at once: whoever reads it, at whatever moment, has the one or the other text whole. On disk when it resolves. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  written += 1;
  const temporary = `${path}.${process.pid}-${written}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await unlink(temporary).catch(() => {});
    throw new SluiceError("STORE_FAILED", `${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** Undefined if there is none. Throws an error of that code if it is no file of ours alone, or is longer than `maxBytes`. */
export async function readPrivateFile(
  path: string,
  { code, maxBytes }: { readonly code: ErrorCode; readonly maxBytes: number },
): Promise<string | undefined> {
  const refused = (why: string, cause?: unknown) => new SluiceError(code, `${path} is not read: ${why}`, { cause });
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // A link may lead to a file of ours that somebody else chose; a pipe would wait for ever.
    file = await open(path, readOnlyNoFollow);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw refused(messageOf(thrown), thrown);
  }
  try {
    const { uid, mode, size, isFile } = await file.stat().then((stat) => ({ ...stat, isFile: stat.isFile() }));
    if (!isFile) throw refused("it is no file");
    if (uid !== 0 && uid !== process.geteuid?.()) throw refused(`it belongs to user ${uid}, neither to root nor to us`);
    if ((mode & 0o022) !== 0) throw refused("others may write to it: chmod 0600");
    if (size > maxBytes) throw refused(`it has ${size} bytes, more than ${maxBytes}`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

const readOnlyNoFollow = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

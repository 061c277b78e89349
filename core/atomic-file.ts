import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Puts a text in the place of a file: readers see the old one or the new one, never a part. Anybody may read it. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.draft`;
  await writeFile(draft, text);
  await chmod(draft, 0o644);
  await rename(draft, path);
}

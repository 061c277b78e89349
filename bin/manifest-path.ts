import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { messageOf, SluiceError } from "../core/errors.ts";
import { readManifest } from "../core/kube/manifest.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { problemsOf } from "../policy/kinds/read.ts";
import { faultText, readFolder } from "./folder.ts";

/** Reads a folder of manifests, or one file, once. What is not accepted is told line by line and left out. Throws MANIFEST_INVALID. */
export async function objectsAt(path: string, tell: (line: string) => void): Promise<readonly KubeObject[]> {
  if (!(await isFile(path))) return readFolder(path, tell);
  const { objects, faults } = readManifest(basename(path), await readFile(path, "utf8"), problemsOf);
  for (const fault of faults) tell(`not accepted: ${faultText(fault)}`);
  return [...objects.values()].map(({ object }) => object);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (cause) {
    throw new SluiceError("MANIFEST_INVALID", `"${path}" cannot be read: ${messageOf(cause)}`, { cause });
  }
}

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface SpoolUsage {
  readonly segments: number;
  readonly bytes: number;
}

/** Where in a data folder the spool of a node is. */
export const spoolFolder = (data: string, node: string): string => `${data}/spool/${node}`;

/** What a spool's folder holds; undefined while there is none. */
export function spoolUsage(folder: string): SpoolUsage | undefined {
  try {
    const sizes = readdirSync(folder)
      .filter((name) => name.endsWith(".spool"))
      .map((name) => sizeOf(join(folder, name)));
    return { segments: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  } catch {
    return undefined;
  }
}

/** A segment may be trimmed meanwhile. */
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

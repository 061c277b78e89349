import type { Clock } from "../clock.ts";
import { SluiceError } from "../errors.ts";
import type { Validate } from "./examine.ts";
import { FolderScanner } from "./folder-scan.ts";
import { advance, emptyFolder } from "./folder-state.ts";
import type { ManifestFault } from "./manifest.ts";
import type { KubeObject } from "./objects.ts";

/** Where an object is written. */
export interface ManifestPlace {
  /** Path below the folder. */
  readonly file: string;
  /** On which the document begins. */
  readonly line: number;
}

/** What manifests hold. */
export interface Manifests {
  /** By key. */
  readonly objects: readonly KubeObject[];
  readonly places: ReadonlyMap<KubeObject, ManifestPlace>;
  readonly faults: readonly ManifestFault[];
}

/** Reads a folder as `folderSource` does, once. Throws MANIFEST_INVALID if it cannot be read. */
export async function readManifestFolder(path: string, clock: Clock, validate: Validate): Promise<Manifests> {
  const scan = await new FolderScanner({ path, clock, onFolder: () => {} }).scan();
  refuseIfBlind(path, scan.blind.get(""));
  const { changes, faults, state } = advance(emptyFolder, scan, validate);
  const places = [...state.files].flatMap(([file, { objects }]) =>
    [...objects.values()].map(({ object, line }) => [object, { file, line }] as const),
  );
  const objects = changes.flatMap((change) => (change.type === "upsert" ? [change.object] : []));
  return { objects, places: new Map(places), faults };
}

export function refuseIfBlind(path: string, why: string | undefined): void {
  if (why !== undefined)
    throw new SluiceError("MANIFEST_INVALID", `the folder of objects cannot be read: ${why}`, { context: { path } });
}

import type { Log } from "../log.ts";
import type { ManifestFault } from "./manifest.ts";

/** Who is told of what a source of objects does not accept. */
export interface FaultListener {
  readonly log: Log;
  /** Told of each fault once, when it appears or changes; before the batch that it was found with. */
  readonly onFault?: (fault: ManifestFault) => void;
  /** Told of a former fault when nothing is wrong with its object any more. */
  readonly onMended?: (fault: ManifestFault) => void;
}

export function tellFaults(
  { log, onFault, onMended }: FaultListener,
  faults: readonly ManifestFault[],
  mended: readonly ManifestFault[],
): void {
  for (const fault of faults) {
    log.warn({ ...fault }, "manifest not accepted; the last good state stays");
    onFault?.(fault);
  }
  for (const fault of mended) {
    log.info({ file: fault.file, document: fault.document }, "manifest mended");
    onMended?.(fault);
  }
}

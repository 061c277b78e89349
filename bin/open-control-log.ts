import { SnapshotFolder } from "../controls/snapshot/snapshot-folder.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { requireAdmissionToken } from "../core/config-audit.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { AuditedLog } from "./audit/audited-log.ts";
import type { OpenedObjects } from "./objects/open-objects.ts";

export interface ControlLogRim {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly objects: Pick<OpenedObjects, "unread" | "api">;
}

/** The log of what people change about policies and what protects them; it keeps what it knows in the data folder. Throws CONFIG_INVALID. */
export function openControlLog({ config, clock, log, metrics, objects }: ControlLogRim): AuditedLog {
  requireAdmissionToken(config.audit);
  return new AuditedLog({
    config,
    clock,
    log: log.child({ part: "controls" }),
    metrics,
    keeping: new SnapshotFolder(`${config.data.folder}/controls`),
    unread: objects.unread,
    api: objects.api,
  });
}

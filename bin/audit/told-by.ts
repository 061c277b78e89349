import type { WaitingOptions } from "../../controls/evidence/waiting.ts";
import type { Config } from "../../core/config.ts";

type AuditConfig = Pick<Config["audit"], "listen" | "logFile" | "admissionListen" | "waitMs">;

/** Whether the API server's audit is heard. */
export function hearsAudit({ listen, logFile }: Pick<AuditConfig, "listen" | "logFile">): boolean {
  return listen !== "off" || logFile !== "";
}

/** Admission asks before anything is done, so its word is there before the change is seen, or nearly. */
const admissionMs = 2_000;
/** A list after a long outage may tell of a change late. */
const keepMs = 3_600_000;
const most = 50_000;

/** How long changes wait for word of who did them. */
export function waitingFor(audit: AuditConfig): WaitingOptions {
  if (hearsAudit(audit)) return { waitMs: audit.waitMs, keepMs, most };
  return audit.admissionListen === "off" ? { waitMs: 0, keepMs: 0, most: 1 } : { waitMs: admissionMs, keepMs, most };
}

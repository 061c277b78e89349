import { join } from "node:path";
import type { Intake } from "../../collectors/audit/intake.ts";
import { readAuditLog } from "../../collectors/audit/log-reader.ts";
import type { ServerTls } from "../../collectors/audit/post-server.ts";
import { answerAdmission, receiveAudit } from "../../collectors/audit/receiver.ts";
import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { parseListen } from "../../core/http.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";

export interface ListenersOptions {
  readonly audit: Config["audit"];
  /** Where it is kept how far the audit log was read. */
  readonly folder: string;
  readonly intake: Intake;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly onPort?: (what: "audit" | "admission", port: number) => void;
}

type Listening = (signal: AbortSignal) => Promise<void>;

/** All that the settings audit.* say is to be listened to. */
export function listenersOf({
  audit,
  folder,
  intake,
  metrics,
  clock,
  log,
  onPort,
}: ListenersOptions): readonly Listening[] {
  const common = { intake, metrics, clock, log };
  const [events, admission] = [parseListen(audit.listen), parseListen(audit.admissionListen)];
  const on = (what: "audit" | "admission") => (port: number) => {
    log.info({ what, port }, "listening for who changes what");
    onPort?.(what, port);
  };
  const found: Listening[] = [];
  if (events !== undefined)
    found.push((signal) => receiveAudit({ ...common, address: events, tls: tlsOf(audit) }, signal, on("audit")));
  if (admission !== undefined) {
    // The API server shows the webhook no certificate unless it is told to, so the token says that it is it.
    const tls = tlsOf({ ...audit, clientCaFile: "", clientNames: [] });
    const options = { ...common, address: admission, tls, token: audit.admissionToken };
    found.push((signal) => answerAdmission(options, signal, on("admission")));
  }
  if (audit.logFile !== "") {
    const positionFile = join(folder, "log-position.json");
    found.push((signal) => readAuditLog({ ...common, path: audit.logFile, positionFile }, signal));
  }
  return found;
}

function tlsOf({ certificateFile, keyFile, clientCaFile, clientNames }: Config["audit"]): ServerTls | null {
  if (certificateFile === "") return null;
  return { certificateFile, keyFile, clientCaFile: clientCaFile === "" ? null : clientCaFile, clientNames };
}

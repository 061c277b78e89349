import { aborted } from "../../core/aborted.ts";
import type { Clock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { type Answer, type ListenAddress, text } from "../../core/http.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { admissionAnswer, readAdmissionReview } from "./admission-review.ts";
import { readEventList } from "./event-list.ts";
import type { Intake } from "./intake.ts";
import { type PostListener, type PostServerOptions, type ServerTls, servePosts } from "./post-server.ts";

export interface ReceiverOptions {
  readonly address: ListenAddress;
  readonly tls: ServerTls | null;
  readonly intake: Intake;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** An API server sends at most 10 MiB at once if it cuts (--audit-webhook-truncate-enabled), else 400 events of any size. */
const maxListBytes = 67_108_864;
/** Two objects of at most 3 MiB, and what is around them. */
const maxReviewBytes = 8_388_608;

/** How often certificates on disk are looked at anew. */
const reloadMs = 60_000;

/** Takes audit events at /audit until the signal aborts; says that it has them when they are on disk. Throws PORT_TAKEN. */
export function receiveAudit(
  options: ReceiverOptions,
  signal: AbortSignal,
  onPort: (port: number) => void,
): Promise<void> {
  const { intake, metrics, log } = options;
  const take = async (body: string): Promise<Answer> => {
    try {
      await intake.take(readEventList(body));
      return text(200, "ok");
    } catch (thrown) {
      const isBody = thrown instanceof SluiceError && thrown.code === "DECODE_FAILED";
      metrics.add("sluice_audit_refused_requests_total", { reason: isBody ? "body" : "kept" });
      if (!isBody)
        log.warn({ error: messageOf(thrown) }, "audit events could not be kept; the API server sends them again");
      return text(isBody ? 400 : 503, messageOf(thrown));
    }
  };
  const listener = { path: "/audit", setting: "audit.listen", maxBytes: maxListBytes, atOnce: 2, answer: take };
  return serveUntil(options, listener, signal, onPort);
}

export interface AdmissionOptions extends ReceiverOptions {
  /** Part of the path that only the API server is told; "" if there is none. */
  readonly token: string;
}

/**
 * Answers the validating webhook at /admission until the signal aborts: yes, always and at once. What it says is kept meanwhile; nobody
 * waits for that.
 */
export function answerAdmission(
  options: AdmissionOptions,
  signal: AbortSignal,
  onPort: (port: number) => void,
): Promise<void> {
  const { intake, metrics, clock, log, token } = options;
  const answer = (body: string): Promise<Answer> => {
    const review = readAdmissionReview(body, clock.now());
    if (review === undefined) {
      metrics.add("sluice_audit_refused_requests_total", { reason: "body" });
      return Promise.resolve(text(400, "the body is no AdmissionReview of admission.k8s.io/v1"));
    }
    intake.takeAsked(review.event).catch((thrown: unknown) => {
      metrics.add("sluice_audit_refused_requests_total", { reason: "kept" });
      log.warn({ error: messageOf(thrown) }, "what admission told could not be kept");
    });
    return Promise.resolve({ status: 200, type: "application/json", body: admissionAnswer(review.uid) });
  };
  const path = token === "" ? "/admission" : `/admission/${token}`;
  const listener = { path, setting: "audit.admission-listen", maxBytes: maxReviewBytes, atOnce: 16, answer };
  return serveUntil(options, listener, signal, onPort);
}

async function serveUntil(
  { address, tls, metrics, clock, log }: ReceiverOptions,
  listener: Pick<PostServerOptions, "path" | "setting" | "maxBytes" | "atOnce" | "answer">,
  signal: AbortSignal,
  onPort: (port: number) => void,
): Promise<void> {
  const onTurnedAway = (reason: string) => metrics.add("sluice_audit_refused_requests_total", { reason });
  const server = await servePosts({ ...listener, address, tls, onTurnedAway });
  onPort(server.port);
  if (tls !== null) await reloading(server, clock, log, signal);
  await aborted(signal);
  await server.close();
}

/** Certificates are replaced before they run out. */
async function reloading(server: PostListener, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(reloadMs, signal);
    try {
      server.reload();
    } catch (thrown) {
      log.warn(
        { error: messageOf(thrown) },
        "the certificates of the audit receiver could not be read again; the old ones stay",
      );
    }
  }
}

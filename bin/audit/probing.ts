import type { AuditEvent } from "../../collectors/audit/event.ts";
import { Pulse, type PulseNews } from "../../collectors/audit/pulse.ts";
import type { Silence } from "../../controls/log/silence-record.ts";
import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Api } from "../../core/kube/api/api.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";

export interface ProbingOptions {
  readonly silenceMs: number;
  /** Null: there is no API server to ask; then only changes that nobody explains tell of silence. */
  readonly api: Pick<Api, "send"> | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly onSilence: (silence: Silence) => void;
}

const tickMs = 1_000;
const agent = "sluice-audit-probe";

/** Notices when audit events stop: asks the API server something harmless when none came for a while, which must make one. */
export class Probing {
  readonly #options: ProbingOptions;
  readonly #pulse: Pulse;
  /** Whether the API server's audit policy tells of what we ask, as far as that is known. */
  #isToldOf: boolean | null = null;
  #hasAsked = false;

  constructor(options: ProbingOptions) {
    this.#options = options;
    this.#pulse = new Pulse(options.silenceMs, options.clock.now());
    options.metrics.read("sluice_audit_silent", () => [{ labels: {}, value: Number(this.#pulse.isSilent) }]);
  }

  /** These events came. */
  heard(events: readonly Pick<AuditEvent, "userAgent">[]): void {
    if (events.some(({ userAgent }) => userAgent === agent)) this.#isToldOf = true;
    this.#tell(this.#pulse.heard(this.#options.clock.now()));
  }

  /** A change of that time has waited in vain for word of who did it. */
  unexplained(at: number): void {
    this.#pulse.owe("unexplained", at);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, silenceMs } = this.#options;
    let asked = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const now = clock.now();
      if (this.#pulse.isQuiet(now) && now - asked >= silenceMs / 2) {
        this.#doubt();
        asked = now;
        await this.#ask(now, signal);
      }
      this.#tell(this.#pulse.check(clock.now()));
      await clock.sleep(tickMs, signal);
    }
  }

  /** An audit policy without our rule says nothing by its silence. What it may do itself anybody may ask; it changes nothing. */
  async #ask(at: number, signal: AbortSignal): Promise<void> {
    const { api, log } = this.#options;
    if (api === null) return;
    const resourceAttributes = { group: "projectcalico.org", resource: "tiers", verb: "get" };
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    };
    try {
      await api.send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
        body,
        signal,
        headers: { "user-agent": agent },
      });
      this.#hasAsked = true;
      if (this.#isToldOf === true) this.#pulse.owe("probe", at);
    } catch (thrown) {
      if (!signal.aborted)
        log.debug({ error: messageOf(thrown) }, "the API server was not asked whether audit events come");
    }
  }

  /** Said once: nothing came of what was asked before. */
  #doubt(): void {
    if (!this.#hasAsked || this.#isToldOf !== null) return;
    this.#isToldOf = false;
    this.#options.log.warn(
      {},
      "no audit event came of a request of ours: does the audit policy tell of it (deploy/audit)?",
    );
  }

  #tell(news: PulseNews | undefined): void {
    if (news === undefined) return;
    const { log, clock, onSilence } = this.#options;
    if (news.kind === "resumed") {
      log.info({}, "audit events come again");
      onSilence({ kind: "resumed", since: news.since, at: news.heard, why: "" });
    } else {
      log.error({ why: reasons[news.why] }, "audit events of the API server have stopped");
      onSilence({ kind: "stopped", since: news.lastHeard, at: clock.now(), why: reasons[news.why] });
    }
  }
}

const reasons = {
  probe: "none came of a request of our own",
  unexplained: "none came of a change that was seen",
} as const;

import { join } from "node:path";
import { Intake } from "../../collectors/audit/intake.ts";
import { Journal } from "../../collectors/audit/journal.ts";
import { Authority } from "../../controls/authority/authority.ts";
import { Past } from "../../controls/authority/past.ts";
import { PastFile } from "../../controls/authority/past-file.ts";
import { ControlLog } from "../../controls/control-log.ts";
import { recordedIn } from "../../controls/evidence/recorded.ts";
import { attemptRecord } from "../../controls/log/attempt-record.ts";
import { authored } from "../../controls/log/authored.ts";
import { silenceRecord } from "../../controls/log/silence-record.ts";
import type { Keeping } from "../../controls/log/teller.ts";
import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { messageOf } from "../../core/errors.ts";
import type { Api } from "../../core/kube/api/api.ts";
import type { Deed } from "../../core/kube/deed.ts";
import type { Change } from "../../core/kube/watch.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import type { Sink } from "../../core/pipeline.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { together } from "../together.ts";
import { listenersOf } from "./listeners.ts";
import { Probing } from "./probing.ts";
import { hearsAudit, waitingFor } from "./told-by.ts";

export interface AuditedLogOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly keeping: Keeping;
  readonly unread: () => ReadonlySet<string>;
  /** Null: the objects are of a folder. */
  readonly api: Pick<Api, "send"> | null;
  readonly onPort?: (what: "audit" | "admission", port: number) => void;
}

/** The log of changes with who did them: what list and watch see, and what the API server tells, if it tells us. */
export class AuditedLog {
  readonly #options: AuditedLogOptions;
  readonly #log: ControlLog;
  readonly #probing: Probing;
  readonly #past = new Past();

  constructor(options: AuditedLogOptions) {
    const { config, clock, log, metrics, keeping, unread, api } = options;
    const authority = new Authority(this.#past);
    const hears = hearsAudit(config.audit);
    this.#options = options;
    this.#probing = new Probing({
      ...{ silenceMs: config.audit.silenceMs, api, clock, log, metrics },
      onSilence: (silence) => this.#log.record(silenceRecord(silence, config.cluster.name)),
    });
    this.#log = new ControlLog({
      ...{ cluster: config.cluster.name, settings: config.enforcer, clock, log, metrics, keeping, unread, authority },
      waiting: waitingFor(config.audit),
      settle: (draft, evidence) => {
        const { foundAt, control } = draft.record;
        // The event of what was done while we were away may have been sent to nobody.
        const isDue = hears && control?.foundAtStart !== true;
        if (isDue && evidence.certainty === "none") this.#probing.unexplained(foundAt / 1_000);
        return authority.judged(authored(draft, evidence), draft.delta, evidence);
      },
    });
  }

  hear(changes: readonly Change[]): void {
    this.#log.hear(changes);
  }

  async run(sink: Sink<ChangeRecord>, stop: AbortSignal, giveUp: AbortSignal): Promise<void> {
    const { config, clock, log, metrics, onPort } = this.#options;
    const { audit, data } = config;
    if (!hearsAudit(audit) && audit.admissionListen === "off") return await this.#log.run(sink, stop, giveUp);
    const folder = join(data.folder, "audit");
    const intake = new Intake({
      ...{ journal: new Journal(folder), isControl: recordedIn(audit.ownNamespace), metrics, clock },
      onDeeds: (deeds) => this.#tell(deeds),
      onHeard: (events) => this.#probing.heard(events),
    });
    await intake.open();
    const pastFile = new PastFile({ path: join(folder, "approvals.json"), past: this.#past, clock, log });
    await pastFile.load();
    const listeners = listenersOf({ audit, folder, intake, metrics, clock, log, ...(onPort && { onPort }) });
    try {
      await together(stop, [
        (until) => this.#log.run(sink, until, giveUp),
        ...listeners,
        (until) => pastFile.run(until),
        ...(hearsAudit(audit) ? [(until: AbortSignal) => this.#probing.run(until)] : []),
      ]);
    } finally {
      // What waited for word of who did it is judged when all else has ended.
      await pastFile.write();
      await intake.close();
    }
  }

  #tell(deeds: readonly Deed[]): void {
    const attempts = this.#log.tell(deeds).filter(({ refusal }) => refusal !== null);
    if (attempts.length > 0) this.#log.record(...attempts.map((deed) => this.#attempt(deed)));
  }

  /** Deeds are kept and told again at each start, so what one of them asked for must not end the process. */
  #attempt(deed: Deed): ChangeRecord {
    const { config, log } = this.#options;
    try {
      return attemptRecord(deed, config.cluster.name);
    } catch (thrown) {
      log.error(
        { request: deed.requestId, error: messageOf(thrown) },
        "what somebody asked for cannot be put on record",
      );
      return attemptRecord({ ...deed, refusal: deed.refusal && { ...deed.refusal, asked: null } }, config.cluster.name);
    }
  }
}

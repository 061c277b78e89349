import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditedLog } from "../../bin/audit/audited-log.ts";
import { SnapshotFolder } from "../../controls/snapshot/snapshot-folder.ts";
import { parseConfig } from "../../core/config.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { synced, upsert } from "../support/objects.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;
const silenceMs = 10_000;

const tier = (order: number, annotations: Readonly<Record<string, string>> = {}): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind: "Tier",
  metadata: { name: "a", uid: "u1", annotations },
  spec: { order },
});

describe("bin/audit/audited-log over a restart", () => {
  const clock = new FakeClock();
  let folder: string;
  let stored: ChangeRecord[];
  let stop: AbortController;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-audited-log-"));
    stored = [];
    stop = new AbortController();
  });
  afterEach(() => {
    stop.abort();
    rmSync(folder, { recursive: true });
  });

  /** Listens to audit events of which none come; has seen all that exists. */
  function begin(all: readonly KubeObject[]) {
    const { promise: listening, resolve } = Promise.withResolvers<void>();
    const audit = { "audit.listen": "127.0.0.1:0", "audit.wait-ms": "0", "audit.silence-ms": String(silenceMs) };
    const flags = { "data.folder": folder, ...audit };
    const log = new AuditedLog({
      config: parseConfig({ flags }),
      ...{ clock, log: silentLog, metrics: new Metrics(), api: null },
      keeping: new SnapshotFolder(join(folder, "controls")),
      unread: () => new Set(),
      onPort: () => resolve(),
    });
    const sink = {
      name: "store",
      write: (batch: readonly ChangeRecord[]) => Promise.resolve(void stored.push(...batch)),
    };
    const running = log.run(sink, stop.signal, never);
    log.hear([...all.map(upsert), synced]);
    return { log, running, listening };
  }

  async function told(summary: string): Promise<void> {
    await until(summary, () => stored.some((record) => record.summary.startsWith(summary)));
  }

  it("keeps who approved what for the next run, of what is judged at its end as well", async () => {
    const { log, running, listening } = begin([tier(1)]);
    await listening;
    log.hear([upsert(tier(1, { "example.com/approved": "yes" }))]);
    stop.abort();
    await running;
    const past = JSON.parse(readFileSync(join(folder, "audit", "approvals.json"), "utf8")) as [string, object[]][];
    assert.deepEqual(
      past.map(([uid, changes]) => [uid, changes.length]),
      [["u1", 1]],
    );
  });

  it("takes what nobody explains for a sign that audit events have stopped, unless it was done while it was away", async () => {
    const first = begin([tier(1)]);
    await first.listening;
    await told("begins");
    stop.abort();
    await first.running;
    stop = new AbortController();
    const { log, running, listening } = begin([tier(2)]);
    await listening;
    await told("changed spec/order");
    await clock.advance(3 * silenceMs);
    log.hear([upsert(tier(3))]);
    await until("the second change", () => stored.filter(({ control }) => control !== null).length === 2);
    assert.deepEqual(
      stored.map(({ summary }) => summary).filter((text) => text.startsWith("audit events")),
      [],
    );
    await clock.advance(2 * silenceMs);
    await told("audit events of the API server stopped: none came of a change that was seen");
    stop.abort();
    await running;
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openControlLog } from "../../bin/open-control-log.ts";
import { Journal } from "../../collectors/audit/journal.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import type { Deed } from "../../core/kube/deed.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { deed } from "../controls/deeds.ts";
import { until } from "../support/until.ts";

describe("the change log with what the API server tells", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-audited-"));
  after(() => rmSync(folder, { recursive: true }));

  const logWith = (flags: Readonly<Record<string, string>>) =>
    openControlLog({
      ...{ config: parseConfig({ flags: { "data.folder": folder, ...flags } }), clock: systemClock, log: silentLog },
      ...{ metrics: new Metrics(), objects: { unread: () => new Set(), api: null } },
    });

  it("asks nobody for admission beyond loopback without a token", () => {
    const flags = {
      ...{ "audit.certificate-file": "tls.crt", "audit.key-file": "tls.key" },
      "audit.admission-listen": "0.0.0.0:9467",
    };
    assert.throws(() => logWith(flags), { code: "CONFIG_INVALID", message: /audit\.admission-token/ });
    assert.ok(logWith({ ...flags, "audit.admission-token": "t" }));
    assert.ok(logWith({ "audit.admission-listen": "127.0.0.1:0" }));
  });

  async function keep(...deeds: readonly Deed[]): Promise<void> {
    const journal = new Journal(join(folder, "audit"));
    await journal.open();
    await journal.append(deeds.map((one) => ({ key: one.id, deeds: [one] })));
    await journal.close();
  }

  it("has attempts on record although one asked for something that nobody can look through", async () => {
    const refused = (asked: string) =>
      deed({ to: systemClock.now(), refusal: { by: "forbidden", code: 403, message: "no", asked } });
    await keep(refused(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`), refused('{"b":1}'));
    const records: ChangeRecord[] = [];
    const write = (batch: readonly ChangeRecord[]) => Promise.resolve(void records.push(...batch));
    const [log, stop] = [logWith({ "audit.listen": "127.0.0.1:0" }), new AbortController()];
    log.hear([{ type: "synced" }]);
    const running = log.run({ name: "test", write }, stop.signal, stop.signal);
    const attempts = () => records.flatMap(({ control }) => (control?.refused === true ? [control.after] : []));
    await until("both", () => attempts().length === 2);
    stop.abort();
    await running;
    assert.deepEqual(attempts(), [null, '{"b":1}']);
  });
});

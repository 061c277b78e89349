import assert from "node:assert/strict";
import { Probing } from "../../bin/audit/probing.ts";
import type { Silence } from "../../controls/log/silence-record.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("whether audit events come", () => {
  const start = 1_700_000_000_000;
  let clock: FakeClock;
  let metrics: Metrics;
  let asked: string[];
  let silences: Silence[];
  let isAway: boolean;
  let probing: Probing;
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    [clock, metrics, asked, silences, isAway, stop] = [
      new FakeClock(start),
      new Metrics(),
      [],
      [],
      false,
      new AbortController(),
    ];
    const send = (method: string, path: string) => {
      asked.push(`${method} ${path}`);
      return isAway ? Promise.reject(new Error("refused")) : Promise.resolve({});
    };
    const onSilence = (silence: Silence) => void silences.push(silence);
    probing = new Probing({ silenceMs: 60_000, api: { send }, clock, log: silentLog, metrics, onSilence });
    running = probing.run(stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await running;
  });

  it("is asked by a request that changes nothing, when none came for a while", async () => {
    await clock.advance(29_000);
    assert.deepEqual(asked, []);
    await clock.advance(2_000);
    assert.deepEqual(asked, ["POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"]);
  });

  const probed = [{ userAgent: "sluice-audit-probe" }];

  it("is a record when they stop, and when they come again", async () => {
    probing.heard(probed);
    await clock.advance(100_000);
    assert.match(await metrics.text(), /sluice_audit_silent 1/);
    probing.heard([{ userAgent: "kubectl" }]);
    assert.deepEqual(
      silences.map(({ kind, since, at, why }) => [kind, since - start, at - start, why]),
      [
        ["stopped", 0, 90_000, "none came of a request of our own"],
        ["resumed", 0, 100_000, ""],
      ],
    );
    assert.match(await metrics.text(), /sluice_audit_silent 0/);
  });

  it("is not known where the audit policy tells of no such request", async () => {
    await clock.advance(600_000);
    assert.deepEqual(silences, []);
    assert.ok(asked.length > 5);
  });

  it("is not known while the API server is away", async () => {
    probing.heard(probed);
    isAway = true;
    await clock.advance(600_000);
    assert.deepEqual(silences, []);
    assert.ok(asked.length > 5);
  });

  it("is known by a change that nobody explains, too", async () => {
    isAway = true;
    probing.unexplained(start + 1_000);
    await clock.advance(61_000);
    assert.deepEqual(
      silences.map(({ why }) => why),
      ["none came of a change that was seen"],
    );
  });
});

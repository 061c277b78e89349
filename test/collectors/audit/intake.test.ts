import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEventList } from "../../../collectors/audit/event-list.ts";
import { Intake } from "../../../collectors/audit/intake.ts";
import { Journal } from "../../../collectors/audit/journal.ts";
import { parseTime } from "../../../core/clock.ts";
import { Metrics } from "../../../core/metrics.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { auditEvent, eventList } from "./audit-event.ts";

const eventTime = parseTime("2026-12-01T11:40:13.988Z") ?? 0;
const events = (...ids: readonly string[]) => readEventList(eventList(ids.map((auditID) => auditEvent({ auditID }))));

describe("what audit events tell", () => {
  let folder: string;
  let told: string[];
  let metrics: Metrics;
  let intake: Intake;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-intake-"));
    await begin();
  });

  afterEach(async () => {
    await intake.close();
    rmSync(folder, { recursive: true });
  });

  async function begin(now = eventTime + 1_000): Promise<void> {
    [told, metrics] = [[], new Metrics()];
    intake = new Intake({
      journal: new Journal(folder),
      isControl: ({ target }) => target.resource === "networkpolicies",
      onDeeds: (deeds) => void told.push(...deeds.map(({ requestId }) => requestId)),
      onHeard: () => {},
      metrics,
      clock: new FakeClock(now),
    });
    await intake.open();
  }

  async function again(now?: number): Promise<void> {
    await intake.close();
    await begin(now);
  }

  it("is told once, however often it comes", async () => {
    await Promise.all([intake.take(events("a", "b", "a")), intake.take(events("b"))]);
    await intake.take(events("a"));
    assert.deepEqual(told, ["a", "b"]);
    const text = await metrics.text();
    assert.match(text, /outcome="taken"\} 2/);
    assert.match(text, /outcome="repeated"\} 3/);
  });

  it("is told again after a restart, and then it is known", async () => {
    await intake.take(events("a"));
    await again();
    await intake.take(events("a", "b"));
    assert.deepEqual(told, ["a", "b"]);
  });

  it("is known after a restart, but not told, if it is long ago", async () => {
    await intake.take(events("a"));
    await again(eventTime + 7_200_000);
    await intake.take(events("a"));
    assert.deepEqual(told, []);
  });

  it("is passed over if it is of no control", async () => {
    await intake.take(readEventList(eventList([auditEvent({ objectRef: { resource: "leases", name: "a" } })])));
    assert.deepEqual(told, []);
    assert.match(await metrics.text(), /outcome="passed over"\} 1/);
  });

  it("says when the newest was answered", async () => {
    await intake.take(events("a"));
    assert.match(await metrics.text(), /sluice_audit_last_event_timestamp_seconds 1796125213\.988/);
  });

  it("is kept, except for a line that power failed in", async () => {
    await intake.take(events("a"));
    appendFileSync(join(folder, "deeds.jsonl"), '{"key":"');
    await again();
    await intake.take(events("b"));
    await again();
    assert.deepEqual(told, ["a", "b"]);
  });

  it("is kept for us alone, and in bounds", async () => {
    const file = join(folder, "deeds.jsonl");
    await intake.take(events("a"));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    appendFileSync(file, " ".repeat(17_000_000));
    await again();
    await intake.take(events("b"));
    assert.match(readFileSync(join(folder, "deeds.1.jsonl"), "utf8"), /"a"/);
    assert.doesNotMatch(readFileSync(file, "utf8"), /"a"/);
    await again();
    assert.deepEqual(told, ["a", "b"]);
  });

  it("is not said to be kept when it is not, and may come again", async () => {
    await intake.close(); // the file is gone
    await assert.rejects(intake.take(events("a")), { code: "STORE_FAILED" });
    assert.deepEqual(told, []);
    await begin();
    await intake.take(events("a"));
    assert.deepEqual(told, ["a"]);
  });
});

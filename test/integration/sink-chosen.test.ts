import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { SyslogListener } from "../sinks/syslog/listener.ts";
import { readMessage } from "../sinks/syslog/read-message.ts";
import { change } from "../support/changes.ts";
import { flow, loss } from "../support/flows.ts";
import { needsServices } from "../support/needs-services.ts";
import { until } from "../support/until.ts";
import { BusLab } from "./bus-lab.ts";

const forever = new AbortController().signal;
const batch = 100;

// `sluice sink syslog` and `sluice sink file` as processes, with a real Kafka before them.
describe("sluice sink syslog and file", function () {
  this.timeout(180_000); // processes and a broker, on a machine that may be busy
  const address = needsServices("kafka");
  const listener = new SyslogListener();
  let lab: BusLab;
  let server: string;

  before(async () => {
    lab = new BusLab(address("kafka"));
    await lab.open("");
    server = `tcp://127.0.0.1:${await listener.listen()}`;
  });
  after(async () => {
    listener.close();
    await lab?.close();
  });

  /** Every second one is denied. */
  const flows = (from: number) =>
    Array.from({ length: batch }, (_, at) =>
      flow({ seq: from + at, node: `node-${at % 5}`, ...(at % 2 === 0 ? {} : { state: "denied", denied: "ingress" }) }),
    );
  const deniedOf = (from: number) => flows(from).flatMap(({ seq, action }) => (action === "deny" ? [seq] : []));
  const write = (from: number) => lab.topics.sink("flows").write(flows(from), forever);
  /** Numbers of the flows that the server has read since then, each once. */
  const told = (since = 0) =>
    [
      ...new Set(
        listener.messages
          .slice(since)
          .map(readMessage)
          .filter(({ kind }) => kind === "flow")
          .map(({ fields }) => Number(fields.get("id")?.split("/").at(-1))),
      ),
    ].sort((a, b) => a - b);
  const kinds = () => new Set(listener.messages.map((text) => readMessage(text).kind));

  it("send what the filter chooses, and begin where they ended", async () => {
    const args = ["--syslog.server", server, "--filter", "verdict = deny", "--syslog.connection-ms", "100"];
    const first = await lab.start(["sink", "syslog"], ...args);
    await write(0);
    await lab.topics.sink("losses").write([loss({ count: 3 })], forever);
    await lab.topics.sink("changes").write([change({})], forever);
    await until("all of it", () => told().length === batch / 2 && kinds().size === 3, 60_000);
    assert.deepEqual(told(), deniedOf(0));
    assert.equal(await lab.stop(first), 0);
    const before = listener.messages.length;
    await write(1000);
    const second = await lab.start(["sink", "syslog"], ...args);
    await until("what came meanwhile", () => told(before).length === batch / 2, 60_000);
    await systemClock.sleep(500);
    assert.deepEqual(told(before), deniedOf(1000), "nothing that was done with comes again");
    await lab.kill(second);
  });

  it("lose nothing though the server resets connections and they are killed", async () => {
    const args = ["--syslog.server", server, "--kinds", "flow", "--group", "audit", "--syslog.connection-ms", "100"];
    const before = listener.messages.length;
    const first = await lab.start(["sink", "syslog"], ...args);
    for (let turn = 0; turn < 6; turn++) {
      listener.cutAfter = 20_000;
      await write(2000 + turn * batch);
      await systemClock.sleep(100);
      if (turn === 3) await lab.kill(first);
    }
    listener.cutAfter = Number.POSITIVE_INFINITY;
    await lab.start(["sink", "syslog"], ...args);
    const wanted = Array.from({ length: 6 * batch }, (_, at) => 2000 + at);
    const later = () => told(before).filter((seq) => seq >= 2000);
    await until("all of them", () => later().length === wanted.length, 60_000);
    assert.deepEqual(later(), wanted);
  });

  it("append to a file what the filter chooses", async () => {
    const path = join(lab.folder, "denied.jsonl");
    const run = await lab.start(["sink", "file"], "--file.path", path, "--filter", "verdict = deny", "--kinds", "flow");
    await until("those of before", () => existsSync(path) && lines(path).length >= deniedOf(0).length * 8, 60_000);
    assert.equal(await lab.stop(run), 0);
    const seqs = lines(path).map(({ seq }) => seq);
    assert.equal(new Set(seqs).size, seqs.length);
    assert.ok(lines(path).every(({ action }) => action === "deny"));
  });

  const lines = (path: string) =>
    readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { readonly seq: number; readonly action: string });
});

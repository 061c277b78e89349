import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../core/clock.ts";
import { retrying } from "../../../core/retrying.ts";
import { freePort } from "../../../scripts/services/processes.ts";
import { SyslogSink } from "../../../sinks/syslog/syslog-sink.ts";
import { needsProgram } from "../../support/debian-program.ts";
import { flow } from "../../support/flows.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;

// The server of most Linux machines reads what we send, by its own parsers of framing and RFC 5424.
describe("sinks/syslog, read by rsyslog", function () {
  this.timeout(60_000);
  const rsyslogd = needsProgram({ program: "rsyslogd", packages: ["rsyslog", "libestr0", "libfastjson4"] });
  const folder = mkdtempSync(join(tmpdir(), "sluice-rsyslog-"));
  const log = join(folder, "log");
  let server: ChildProcess | undefined;
  let port: number;

  async function start(): Promise<void> {
    const { path, env, root = "/" } = rsyslogd();
    const modules = globSync(join(root, "usr/lib/*/rsyslog"))[0] ?? "/usr/lib/rsyslog";
    const file = join(folder, "conf");
    writeFileSync(
      file,
      `global(workDirectory="${folder}" net.enableDNS="off")
module(load="imtcp")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="read" type="string" string="%pri% %hostname% %app-name% %msgid% %structured-data% %msg%\\n")
action(type="omfile" file="${log}" template="read")
`,
    );
    server = spawn(path, ["-n", "-f", file, "-i", join(folder, "pid"), "-M", modules], { env, stdio: "inherit" });
    await until("rsyslogd to be there", () => existsSync(join(folder, "pid")), 10_000);
  }

  async function stop(): Promise<void> {
    server?.kill("SIGTERM");
    if (server?.exitCode === null) await once(server, "exit");
  }

  before(async () => {
    port = await freePort();
    await start();
  });
  after(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });

  const lines = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
  const seqs = () => new Set(lines().map((line) => /id="[^"]*\/(\d+)"/.exec(line)?.[1]));

  it("has every record, whole, also of the time in which it was away", async () => {
    const target = { server: { transport: "tcp", host: "127.0.0.1", port }, tls: {} } as const;
    const sink = new SyslogSink({ ...target, clock: systemClock, facility: "local3", connectionMs: 20 });
    const flows = retrying(sink.of("flow"), { clock: systemClock, firstMs: 50 });
    const write = (from: number) => flows.write([flow({ seq: from }), flow({ seq: from + 1, state: "denied" })], never);
    for (let from = 0; from < 100; from += 2) await write(from);
    await until("the first hundred", () => seqs().size === 100, 10_000);
    await stop();
    const meanwhile = write(100);
    await start();
    await meanwhile;
    for (let from = 102; from < 200; from += 2) await write(from);
    await until("the others", () => seqs().size === 200, 10_000);
    sink.close();
    const [first, second] = lines() as [string, string];
    assert.match(first, /^158 node-1 sluice flow \[sluice@32473 id="lab\/node-1\/1700000000000\/0" action="allow"/);
    assert.match(second, /^156 node-1 sluice flow \[sluice@32473 .* action="deny"/);
    const told = JSON.parse(second.slice(second.indexOf("] {") + 2)) as { readonly seq: number };
    assert.equal(told.seq, 1);
  });

  it("has every record of the time in which it was killed with messages unread", async () => {
    const target = { server: { transport: "tcp", host: "127.0.0.1", port }, tls: {} } as const;
    const sink = new SyslogSink({ ...target, clock: systemClock, facility: "local3", connectionMs: 20 });
    const flows = retrying(sink.of("flow"), { clock: systemClock, firstMs: 50 });
    const write = (seq: number) => flows.write([flow({ seq })], never);
    await write(1000);
    server?.kill("SIGSTOP");
    const unread = [write(1001), write(1002)];
    const early = await Promise.race([...unread, systemClock.sleep(500).then(() => "waits")]);
    assert.equal(early, "waits");
    server?.kill("SIGKILL");
    await stop();
    rmSync(join(folder, "pid"), { force: true });
    await start();
    await Promise.all(unread);
    await until("all of them", () => ["1000", "1001", "1002"].every((seq) => seqs().has(seq)), 10_000);
    sink.close();
  });
});

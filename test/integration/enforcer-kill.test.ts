import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { randomFrom } from "../support/random.ts";
import { until } from "../support/until.ts";

const lives = 12;
const enforcing = new URL("./changing-enforcer.ts", import.meta.url).pathname;

/** At b: prints how many datagrams came so far whenever one comes, and answers each line of a TCP connection. */
const receiving = `
  let count = 0;
  require("dgram").createSocket("udp4").on("message", () => console.log("datagram", ++count)).bind(7777, "10.99.2.2");
  require("net").createServer((s) => s.on("data", (d) => s.write(d)).on("error", () => {})).listen(80, "10.99.2.2", () => console.log("ready"));`;
/** At a: a datagram each millisecond or two, never stopping; prints how many were sent. */
const flooding = `
  const s = require("dgram").createSocket("udp4"); let count = 0;
  console.log("ready");
  setInterval(() => { for (let i = 0; i < 3; i++) s.send("x", 7777, "10.99.2.2", () => { if (++count % 100 === 0) console.log(count); }); }, 1);`;
/** At a: one TCP connection for the whole time, a line each 5 ms; prints how many came back. */
const talking = `
  const s = require("net").connect(80, "10.99.2.2", () => { console.log("ready"); next(); }); let count = 0;
  const next = () => s.write("x\\n");
  s.on("data", () => { if (++count % 20 === 0) console.log(count); setTimeout(next, 5); });
  s.on("error", (e) => { console.log("broken", e.message); process.exit(1); }).on("close", () => { console.log("broken"); process.exit(1); });`;

interface Child {
  readonly process: ChildProcess;
  printed: string;
}

function start(command: string, ...args: readonly string[]): Child {
  const process = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const child: Child = { process, printed: "" };
  for (const stream of [process.stdout, process.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      child.printed += text;
    });
  return child;
}

const lastNumber = ({ printed }: Child): number => Number(printed.match(/\d+(?=\n)(?!.*\d+\n)/s)?.[0] ?? 0);

describe("an enforcer, killed with -9 in the middle of many changes", function () {
  this.timeout(120_000);
  needsKernel("nft");
  const lab = new RouterLab();
  const folder = mkdtempSync(join(tmpdir(), "sluice-enforcer-kill-"));
  const children: Child[] = [];
  let isUp = false;

  before(() => {
    lab.up();
    isUp = true;
    for (const [side, address] of [
      ["to-a", "10.99.1.2"],
      ["to-b", "10.99.2.2"],
    ] as const)
      lab.run("router", ["ip", "route", "add", `${address}/32`, "dev", side]);
  });
  after(async () => {
    for (const { process } of children) {
      process.kill("SIGKILL");
      if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
    }
    if (isUp) lab.down();
    rmSync(folder, { recursive: true, force: true });
  });

  const ready = (child: Child) => until("it to be ready", () => child.printed.includes("ready"), 20_000);
  const inEnd = (end: "a" | "b", script: string) => {
    const name = lab.router.replace(/router$/, end);
    const child = start("ip", "netns", "exec", name, process.execPath, "-e", script);
    children.push(child);
    return child;
  };
  const enforcer = (seed: number) => {
    const child = start(process.execPath, enforcing, lab.routerPath, folder, String(seed));
    children.push(child);
    return child;
  };
  /** Datagrams that the rule has denied, by its counter: the only rule that denies UDP. */
  const denied = () => {
    const text = lab.run("router", ["nft", "list", "table", "inet", "sluice"]);
    const counter = /meta l4proto (?:17|udp) counter name "(\w+)" jump log_/.exec(text)?.[1];
    const packets = new RegExp(`counter ${counter} \\{\\s+packets (\\d+)`).exec(text)?.[1];
    return Number(packets ?? assert.fail(`no rule that denies UDP in\n${text}`));
  };

  it("leaves its rules in force, and the next takes them over: no denied packet passes, no counter and no connection starts anew", async () => {
    const random = randomFrom(5);
    const receiver = inEnd("b", receiving);
    await ready(receiver);
    let running = enforcer(1);
    await ready(running);
    const [flood, talk] = [inEnd("a", flooding), inEnd("a", talking)];
    await Promise.all([ready(flood), ready(talk)]);
    await until("denials", () => denied() > 0);
    let [adopted, counted] = [0, 0];
    for (let life = 2; life < lives + 2; life++) {
      await systemClock.sleep(100 + random() * (life % 3 === 0 ? 3_000 : 500));
      running.process.kill("SIGKILL");
      await once(running.process, "exit");
      const left = denied();
      assert.ok(left >= counted, `the counter went back from ${counted} to ${left}`);
      running = enforcer(life);
      await ready(running);
      counted = denied();
      assert.ok(counted >= left, `the counter went back from ${left} to ${counted}: ${running.printed}`);
      if (running.printed.includes("adopted")) adopted++;
    }
    const answered = lastNumber(talk);
    await until("the connection to go on", () => lastNumber(talk) > answered);
    console.log(
      `      ${lastNumber(flood)} datagrams denied, ${lastNumber(talk)} answers on one connection, ${adopted} of ${lives} took over`,
    );
    assert.doesNotMatch(receiver.printed, /datagram/);
    assert.doesNotMatch(talk.printed, /broken/);
    assert.ok(lastNumber(flood) > 1_000);
    assert.equal(adopted, lives);
  });
});

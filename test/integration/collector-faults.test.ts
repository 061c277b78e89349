import assert from "node:assert/strict";
import type { RawFlow } from "../../core/records/flow.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { type RunningCollector, startCollector, sumOf } from "../collectors/running-collector.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";

// What others do to the kernel's table while a collector counts. Nothing may be counted twice, and nothing lost without a word.

const tracking =
  "table inet test { chain forward { type filter hook forward priority filter; ct state new accept; }; }";
const client = { address: "10.99.1.2", port: 7300 };

describe("the kernel's table in other hands", function () {
  this.timeout(40_000);
  needsKernel("nft", "conntrack");
  const lab = new RouterLab();
  let isUp = false;
  let running: RunningCollector;

  before(async () => {
    lab.up();
    isUp = true;
    await lab.serveWith(
      "b",
      `require("net").createServer((s) => s.on("error", () => {}).pipe(s))
      .listen(7000, "10.99.2.2", () => console.log("up"))`,
    );
  });
  after(() => {
    if (isUp) lab.down();
  });

  beforeEach(async () => {
    lab.nft(tracking);
    lab.run("router", ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=30"]);
    lab.run("router", ["conntrack", "-F"]);
    running = await startCollector(lab.routerPath);
  });
  afterEach(() => running.stop());

  /** Counts the packets of a TCP connection where its client is; the result tells `packets/bytes` of both directions together. */
  function countAtClient(port: number): () => string {
    lab.run(
      "a",
      ["nft", "-f", "-"],
      `table inet counting
      delete table inet counting
      table inet counting {
        counter every { }
        chain out { type filter hook output priority -300; tcp sport ${port} counter name every; }
        chain in { type filter hook input priority -300; tcp dport ${port} counter name every; }
      }`,
    );
    return () => {
      const listed = lab.run("a", ["nft", "list", "counters", "table", "inet", "counting"]);
      return /packets (\d+) bytes (\d+)/.exec(listed)?.slice(1).join("/") ?? "nothing";
    };
  }

  const ofPort = (port: number) =>
    running.flows.filter(({ sourcePort, destinationPort }) => sourcePort === port || destinationPort === port);

  /** Both directions together: whoever is met amid its packets may be told the other way round. */
  function bothWays(flows: readonly RawFlow[]): string {
    const [packets = 0, bytes = 0, replyPackets = 0, replyBytes = 0] = sumOf(flows).split(/[ /]/).map(Number);
    return `${packets + replyPackets}/${bytes + replyBytes}`;
  }

  it("conntrack -F, again and again while a connection is busy: each part is told, and together all of it", async () => {
    const counted = countAtClient(client.port);
    const over = lab.serveWith(
      "a",
      `const s = require("net").connect({ host: "10.99.2.2", port: 7000, localPort: ${client.port} });
      let stopped = false;
      require("dgram").createSocket("udp4").on("message", () => { stopped = true; }).bind(7399, "127.0.0.1");
      s.on("data", () => stopped ? s.end() : setTimeout(() => s.write("x".repeat(100)), 3)).write("x");
      s.on("close", () => { console.log("over"); setInterval(() => {}, 1000); })`,
    );
    const open = () => ofPort(client.port).filter(({ state }) => state === "open").length;
    const flushes = 5;
    for (let flush = 0; flush < flushes; flush++) {
      const before = open();
      await until("some traffic", () => open() > before, 20_000);
      lab.run("router", ["conntrack", "-F"]);
    }
    const stop = `const s = require("dgram").createSocket("udp4"); s.send("stop", 7399, "127.0.0.1", () => s.close())`;
    lab.run("a", [process.execPath, "-e", stop]);
    await over;
    await until("all of it", () => bothWays(ofPort(client.port)) === counted(), 10_000).catch(() => {});
    const packets = (text: string) => Number(text.split("/")[0]);
    const untold = packets(counted()) - packets(bothWays(ofPort(client.port)));
    // A packet that another CPU counts just when the kernel tells the end of its connection is in no event: one a flush at most.
    assert.ok(untold >= 0 && untold <= flushes, `${bothWays(ofPort(client.port))} of ${counted()} were told`);
    const flows = ofPort(client.port);
    const lives = Map.groupBy(flows, ({ connection, startedAt }) => `${connection} ${startedAt}`);
    const deleted = flows.filter(({ endReason }) => endReason === "deleted").length;
    // What is made anew while the kernel walks through its table may be met again by the same walk.
    assert.ok(deleted >= flushes, `${deleted} were deleted`);
    assert.equal(lives.size, deleted + 1);
    assert.deepEqual(
      [...lives.values()].map((life) => life[0]?.midstream),
      Array.from(lives, (_, index) => index > 0),
    );
  });

  it("conntrack -z on a quiet connection: all is told once, with a loss of unknown size", async () => {
    const port = client.port + 1;
    const counted = countAtClient(port);
    await lab.serveWith(
      "a",
      `const s = require("net").connect({ host: "10.99.2.2", port: 7000, localPort: ${port} });
      let left = 20;
      s.on("data", () => left-- > 0 ? s.write("x") : console.log("quiet")).write("x");
      setTimeout(() => s.write("x"), 3000)`,
    );
    await until("what it carried", () => bothWays(ofPort(port)) === counted());
    lab.run("router", ["conntrack", "-L", "-z"]);
    const before = counted();
    await until("more", () => counted() !== before);
    await until("all of it", () => bothWays(ofPort(port)) === counted()).catch(() => {});
    assert.equal(bothWays(ofPort(port)), counted());
    const last = ofPort(port).at(-1);
    assert.equal(`${(last?.totalPackets ?? 0) + (last?.totalReplyPackets ?? 0)}`, counted().split("/")[0]);
    const loss = await until("the loss", () => running.losses.find(({ source }) => source === "conntrack"));
    assert.deepEqual([loss.count, /to zero/.test(loss.detail)], [null, true]);
  });

  it("one tuple in two zones, and a zone that is used again: a connection each", async () => {
    const port = client.port + 2;
    const sendIn = (zone: number) => {
      lab.nft(
        `${tracking}\n table inet zones { chain before { type filter hook prerouting priority raw; ct zone set ${zone}; }; }`,
      );
      const sent = `const s = require("dgram").createSocket("udp4");
        s.bind(${port}, () => s.send("four", 7010, "10.99.2.2", () => s.close()))`;
      lab.run("a", [process.execPath, "-e", sent]);
    };
    sendIn(5);
    sendIn(6);
    lab.run("router", ["conntrack", "-D", "-w", "5"]);
    sendIn(5);
    await until("three connections", () => new Set(ofPort(port).map(({ startedAt }) => startedAt)).size === 3);
    await until("their packets", () => sumOf(ofPort(port)).startsWith("3/"));
    const lives = Map.groupBy(ofPort(port), ({ startedAt }) => startedAt);
    const told = [...lives.values()].map((life) => [life[0]?.zone, sumOf(life), life.at(-1)?.endReason ?? null]);
    assert.deepEqual(told, [
      [5, "1/32 0/0", "deleted"],
      [6, "1/32 0/0", null],
      [5, "1/32 0/0", null],
    ]);
  });

  it("a connection made before anybody counted: its numbers are said to be unknown", async () => {
    await running.stop();
    lab.run("router", ["sysctl", "-qw", "net.netfilter.nf_conntrack_acct=0"]);
    await lab.traffic("a", "udp", "10.99.2.2", 7011, 100, 3, client.port + 3);
    running = await startCollector(lab.routerPath);
    const [flow] = await until("the connection", () => {
      const flows = ofPort(client.port + 3);
      return flows.length > 0 && flows;
    });
    assert.deepEqual([flow?.uncounted, flow?.packets, flow?.totalPackets], [true, 0, 0]);
  });
});

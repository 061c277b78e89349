import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { getuid } from "node:process";
import type { CollectorOptions } from "../../collectors/collector.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { type RunningCollector, startCollector, sumOf, totalsOf } from "../collectors/running-collector.ts";
import { until } from "../support/until.ts";

const denyRule = "00ab00ab00ab00ab";
// Labels 1, 5, 9 are bits of an egress id, 70 of an ingress id; port 9 is denied.
const ruleset = `
table inet test {
  chain service {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr 10.96.0.1 tcp dport 80 dnat ip to 10.99.2.2:8080
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    tcp dport 9 log prefix "D|E|${denyRule}" group 5 drop
    udp dport 9 log prefix "D|I|unknown-endpoint" group 5 drop
    ct state new ct label set 1 ct label set 5 ct label set 9 ct label set 70 accept
  }
}`;

const headers = { udpv4: 28, udpv6: 48, tcpv4: 20 + 32, tcpSyn: 20 + 40 };

const start = (lab: RouterLab, over: Partial<CollectorOptions> = {}) => startCollector(lab.routerPath, over);

/** The numbers of all records, and what they should be. */
function numbers(...kinds: readonly (readonly { readonly seq: number }[])[]): [number[], number[]] {
  const seqs = kinds
    .flat()
    .map(({ seq }) => seq)
    .sort((a, b) => a - b);
  return [seqs, seqs.map((_, index) => index)];
}

const closed = (flows: readonly RawFlow[], port: number) =>
  flows.find(({ state, destinationPort }) => state === "closed" && destinationPort === port);

describe("the collector and a real kernel", function () {
  this.timeout(30_000);
  const lab = new RouterLab();
  const running: RunningCollector[] = [];

  /** What conntrack(8) says of the TCP connection to a port. */
  function listed(port: number): string {
    const line = lab.run("router", ["conntrack", "-L", "-p", "tcp", "--dport", String(port), "-o", "extended"]);
    return [...line.matchAll(/packets=(\d+) bytes=(\d+)/g)]
      .map(([, packets, bytes]) => `${packets}/${bytes}`)
      .join(" ");
  }

  /** Starts a collector that is stopped after the test. */
  async function begin(over: Partial<CollectorOptions> = {}): Promise<RunningCollector> {
    const started = await start(lab, over);
    running.push(started);
    return started;
  }

  before(function () {
    if (getuid?.() !== 0) {
      assert.ok(process.env["CI"] === undefined, "network namespaces need root");
      console.log("      skipped: network namespaces need root");
      this.skip();
    }
    lab.up();
    lab.nft(ruleset);
    lab.run("router", ["sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_timeout_time_wait=1"]);
    lab.run("router", ["sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_timeout_close=1"]);
    lab.run("a", ["ip", "route", "add", "10.96.0.1", "via", "10.99.1.1"]);
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map(({ stop }) => stop()));
  });

  after(() => lab.down());

  it("tells of a TCP connection what it sent and received, header by header, and the rules of its label", async () => {
    const { flows } = await begin();
    await lab.serve("b", "serve", "10.99.2.2", 8081, 5_000);
    await lab.traffic("a", "tcp", "10.99.2.2", 8081, 1_000, 0);
    const flow = await until("the closed connection", () => closed(flows, 8081));
    const { totalPackets, totalBytes, totalReplyPackets, totalReplyBytes } = flow;
    assert.equal(totalBytes, 1_000 + headers.tcpSyn + (totalPackets - 1) * headers.tcpv4);
    assert.equal(totalReplyBytes, 5_000 + headers.tcpSyn + (totalReplyPackets - 1) * headers.tcpv4);
    assert.equal(sumOf(flows.filter(({ connection }) => connection === flow.connection)), totalsOf(flow));
    assert.deepEqual([flow.egressRule, flow.ingressRule], ["0000000000000222", "0000000000000040"]);
    assert.ok(flow.replied && flow.startedAt <= flow.end && flow.nat === null);
  });

  it("tells of a live connection what conntrack lists", async () => {
    const { flows } = await begin();
    await lab.serve("b", "serve", "10.99.2.2", 8082, 70_000);
    const ended = lab.traffic("a", "tcp", "10.99.2.2", 8082, 30_000, 2_000);
    const flow = await until("a record that equals the list", () => {
      const last = flows.findLast(({ destinationPort }) => destinationPort === 8082);
      return last !== undefined && last.totalReplyBytes > 70_000 && listed(8082) === totalsOf(last) && last;
    });
    assert.equal(flow.state, "open");
    assert.equal(sumOf(flows.filter(({ connection }) => connection === flow.connection)), totalsOf(flow));
    await ended;
  });

  for (const [title, address, perDatagram] of [
    ["IPv4", "10.99.2.2", headers.udpv4 + 100],
    ["IPv6", "fd99:2::2", headers.udpv6 + 100],
  ] as const)
    it(`tells of UDP datagrams over ${title} their number and bytes`, async () => {
      const { flows } = await begin();
      await lab.traffic("a", "udp", address, 7000, 100, 20, 6000);
      const ours = () => flows.filter(({ sourcePort }) => sourcePort === 6000);
      await until("20 datagrams", () => ours().at(-1)?.totalPackets === 20);
      assert.equal(sumOf(ours()), `20/${20 * perDatagram} 0/0`);
      assert.deepEqual(ours()[0]?.destinationAddress, address);
      lab.run("router", ["conntrack", "-F"]);
    });

  it("tells of a Service's address both translations and who answered", async () => {
    const { flows } = await begin();
    await lab.serve("b", "serve", "10.99.2.2", 8080, 10);
    await lab.traffic("a", "tcp", "10.96.0.1", 80, 10, 0);
    const flow = await until("the closed connection", () => closed(flows, 8080));
    assert.deepEqual([flow.destinationAddress, flow.destinationPort], ["10.99.2.2", 8080]);
    assert.deepEqual(flow.nat, {
      destinationAddress: "10.96.0.1",
      destinationPort: 80,
      sourceAddress: "10.99.1.2",
      sourcePort: flow.sourcePort,
    });
  });

  it("tells of denied packets their number, bytes, interfaces and reason", async () => {
    const { flows } = await begin();
    await lab.traffic("a", "udp", "10.99.2.2", 9, 50, 10, 6001);
    const ours = () => flows.filter(({ sourcePort }) => sourcePort === 6001);
    await until("10 denied datagrams", () => ours().reduce((sum, { packets }) => sum + packets, 0) === 10);
    assert.equal(sumOf(ours()), `10/${10 * (headers.udpv4 + 50)} 0/0`);
    const [flow] = ours();
    assert.deepEqual(
      [flow?.state, flow?.denied, flow?.reason, flow?.ingressRule, flow?.inInterface, flow?.outInterface],
      ["denied", "ingress", "unknown-endpoint", null, "to-a", "to-b"],
    );
    assert.equal(flow?.connection, null);
  });

  it("tells of a denied connection over IPv6 the rule", async () => {
    const { flows } = await begin();
    const attempt = "const s = require('net').connect(9, 'fd99:2::2'); setTimeout(() => s.destroy(), 200)";
    lab.run("a", [process.execPath, "-e", attempt]);
    const flow = await until("the denied SYN", () => flows.find(({ state }) => state === "denied"));
    assert.deepEqual([flow.destinationAddress, flow.denied, flow.egressRule], ["fd99:2::2", "egress", denyRule]);
    assert.equal(flow.bytes, flow.packets * 80);
  });

  it("takes in connections that were there before, without telling their past as news", async () => {
    lab.run("router", ["conntrack", "-F"]);
    await lab.traffic("a", "udp", "10.99.2.2", 7001, 100, 5, 6002);
    const { flows } = await begin();
    const flow = await until("the live connection", () => flows.find(({ sourcePort }) => sourcePort === 6002));
    assert.deepEqual([flow.packets, flow.totalPackets, flow.egressRule], [0, 5, "0000000000000222"]);
  });

  it("numbers records of a run from 0 without gaps, over all windows and the last ones at the end", async () => {
    const { flows, losses, heartbeats, stop } = await start(lab);
    await lab.traffic("a", "scan", "10.99.2.2", 20_000, 500);
    await stop();
    assert.deepEqual(...numbers(flows, losses, heartbeats));
    assert.equal(heartbeats.at(-1)?.flows, flows.length);
    assert.equal(new Set(flows.map(({ epoch }) => epoch)).size, 1);
    const scanned = flows.filter(({ destinationPort }) => destinationPort >= 20_000 && destinationPort < 20_500);
    assert.equal(sumOf(scanned), `500/${500 * (headers.udpv4 + 4)} 0/0`);
  });

  it("counts every packet once where a client uses its port again and again, and dumps run ahead of the events", async () => {
    lab.run("router", ["conntrack", "-F"]);
    const { flows } = await begin({ windowMs: 100 });
    await lab.serve("b", "serve", "10.99.2.2", 8083, 100);
    const again = `let n = 0; (function go() {
      if (n++ >= 500) return;
      const s = require("net").connect({ host: "10.99.2.2", port: 8083, localPort: 5555 });
      s.on("connect", () => s.write("x")).on("data", () => s.resetAndDestroy());
      s.on("error", () => {}).on("close", () => setImmediate(go));
    })()`;
    lab.run("a", [process.execPath, "-e", again]);
    const ours = () => flows.filter(({ sourcePort }) => sourcePort === 5555);
    const lives = () => new Set(ours().map(({ connection, startedAt }) => `${connection} ${startedAt}`)).size;
    await until("the last to be closed", () => ours().filter(({ state }) => state === "closed").length === 500);
    assert.equal(lives(), 500);
    const last = new Map(ours().map((flow) => [`${flow.connection} ${flow.startedAt}`, flow]));
    const total = [...last.values()].reduce((sum, { totalPackets }) => sum + totalPackets, 0);
    assert.equal(
      ours().reduce((sum, { packets }) => sum + packets, 0),
      total,
    );
    // SYN, ACK, data, ACK or none, RST; the other way SYN-ACK, ACK, data.
    assert.ok(total >= 4 * 500 && total <= 6 * 500, `${total} packets`);
  });

  it("loses events when the kernel's buffer is small, says so, and finds the connections by one dump", async () => {
    lab.run("router", ["conntrack", "-F"]);
    const { flows, losses } = await begin({ receiveBufferBytes: 4_096 });
    await lab.traffic("a", "scan", "10.99.2.2", 30_000, 2_000);
    const scanned = () => flows.filter(({ destinationPort }) => destinationPort >= 30_000 && destinationPort < 32_000);
    await until(
      "all connections",
      () => new Set(scanned().map(({ destinationPort }) => destinationPort)).size === 2_000,
    );
    assert.equal(sumOf(scanned()), `2000/${2_000 * (headers.udpv4 + 4)} 0/0`);
    const loss = await until("the loss", () => losses[0]);
    assert.deepEqual(
      [loss.source, loss.detail, loss.node],
      ["conntrack", "the event socket's buffer overran", "router"],
    );
    assert.ok(loss.count !== null && loss.count > 0);
  });

  it("counts exactly the denials that a small buffer lost", async () => {
    const { flows, losses } = await begin({ receiveBufferBytes: 4_096 });
    await lab.traffic("a", "udp", "10.99.2.2", 9, 4, 3_000, 6003);
    const lost = () =>
      losses.filter(({ source }) => source === "nflog").reduce((sum, { count }) => sum + (count ?? 0), 0);
    const denied = () => flows.filter(({ state }) => state === "denied").reduce((sum, { packets }) => sum + packets, 0);
    await until("denials", () => denied() > 0);
    // What is lost shows at the next packet that is not.
    await lab.traffic("a", "udp", "10.99.2.2", 9, 4, 1, 6004);
    await until("the last denial", () => flows.some(({ sourcePort }) => sourcePort === 6004));
    await until("the loss", () => denied() + lost() === 3_001);
    assert.ok(lost() > 0);
  });

  it("drops what a slow reader leaves no room for, and says how much", async () => {
    lab.run("router", ["conntrack", "-F"]);
    const { flows, losses, heartbeats, stop } = await start(lab, { queueRecords: 10 });
    await lab.traffic("a", "scan", "10.99.2.2", 40_000, 3_000);
    await stop();
    const dropped = losses.filter(({ source }) => source === "queue").reduce((sum, { count }) => sum + (count ?? 0), 0);
    assert.ok(dropped > 0);
    assert.deepEqual(...numbers(flows, losses, heartbeats));
    assert.equal(heartbeats.at(-1)?.dropped, dropped);
  });

  it("makes the kernel track connections where no rule does, and leaves nothing behind", async () => {
    lab.nft("");
    const { flows, stop } = await start(lab);
    assert.match(lab.run("router", ["nft", "list", "ruleset"]), /table inet sluice_collector/);
    await lab.traffic("a", "udp", "10.99.2.2", 7002, 10, 3, 6005);
    await until("the connection", () =>
      flows.some(({ sourcePort, totalPackets }) => sourcePort === 6005 && totalPackets === 3),
    );
    await stop();
    assert.equal(lab.run("router", ["nft", "list", "ruleset"]), "");
    lab.nft(ruleset);
  });

  it("says who is in the way if another program reads its group", async () => {
    await begin();
    await assert.rejects(start(lab), { code: "PORT_TAKEN", message: /\(process \d+\) reads NFLOG group 5/ });
  });

  it("says so if the namespace is not there", async () => {
    const missing = start(lab, { namespacePath: "/run/netns/sluice-test-missing" });
    await assert.rejects(missing, {
      code: "DEPENDENCY_MISSING",
      message: "there is no network namespace /run/netns/sluice-test-missing",
    });
  });

  it("says so if it may not", () => {
    const collector = new URL("../../collectors/collector.ts", import.meta.url);
    const program = `
      import { Collector } from ${JSON.stringify(collector.pathname)};
      const log = { info() {}, warn() {} };
      const collector = new Collector({ node: "n", cluster: "c", namespacePath: null, log });
      await collector.run(new AbortController().signal).catch((error) => console.log(error.code, error.message));`;
    const args = ["--input-type=module", "-e", program];
    const { stdout } = spawnSync(process.execPath, args, { uid: 65534, gid: 65534, encoding: "utf8" });
    assert.match(stdout, /^PERMISSION_DENIED /);
  });
});

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import type { EndReason, RawFlow } from "../../core/records/flow.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { type RunningCollector, startCollector, sumOf, totalsOf } from "../collectors/running-collector.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";

// Connections that end in every way there is, and what is told of them. Each has a port of its own.

const ruleset = `
table inet test {
  ct helper tftp { type "tftp" protocol udp; }
  chain marking {
    type filter hook prerouting priority filter; policy accept;
    udp dport 69 ct helper set "tftp"
    udp dport 7107 ct mark set 0x42
  }
  chain hiding {
    type nat hook postrouting priority srcnat; policy accept;
    ip daddr 10.99.3.0/24 masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    icmp type destination-unreachable log prefix "D|E|spoofed" group 5 drop
  }
  chain sent {
    type filter hook output priority filter; policy accept;
    udp dport 7108 meta mark set 0x17 log prefix "D|E|00ab00ab00ab00ab" group 5 drop
  }
}`;
/** Seconds; as short as they can be, so that nothing is waited for. */
const timeouts = {
  udp_timeout: 1,
  udp_timeout_stream: 1,
  tcp_timeout_syn_sent: 1,
  tcp_timeout_syn_recv: 2,
  tcp_timeout_fin_wait: 2,
  tcp_timeout_time_wait: 1,
  tcp_timeout_close: 1,
};
const silent = [7101, 7102];

/** A program for the client: opens a connection and does something with it. */
const client = (port: number, then: string, localPort = 0) =>
  `const s = require("net").connect({ host: "10.99.2.2", port: ${port}, localPort: ${localPort} });
  s.on("error", () => process.exit(0)); ${then}`;
/** A program for a server of TCP: answers each chunk with as many bytes. */
const echo = (port: number) => `require("net").createServer((s) => s.on("error", () => {}).pipe(s))
  .listen(${port}, "10.99.2.2", () => console.log("up"))`;

interface Row {
  readonly title: string;
  readonly port: number;
  readonly is: EndReason;
  readonly replied: boolean;
  readonly do: (lab: RouterLab) => void | Promise<void>;
}

const inClient = (program: string) => (lab: RouterLab) => void lab.run("a", [process.execPath, "-e", program]);
const send = (port: number, source: number) => inClient(datagram("10.99.2.2", port, source));
const datagram = (address: string, port: number, source: number) =>
  `const s = require("dgram").createSocket("udp4");
  s.bind(${source}, () => s.send("four", ${port}, "${address}", () => s.close()))`;

const rows: readonly Row[] = [
  {
    title: "TCP that both ends closed",
    ...{ port: 7000, is: "finished", replied: true },
    do: inClient(client(7000, `s.end("x").resume()`)),
  },
  {
    title: "TCP that the client reset",
    ...{ port: 7000, is: "reset", replied: true },
    do: inClient(client(7000, `s.write("x"); s.on("data", () => s.resetAndDestroy())`)),
  },
  {
    title: "TCP to a port where nobody listens",
    ...{ port: 7100, is: "refused", replied: true },
    do: inClient(client(7100, "")),
  },
  {
    title: "TCP that nobody answers",
    ...{ port: 7101, is: "unanswered", replied: false },
    do: inClient(client(7101, "setTimeout(() => s.destroy(), 100)")),
  },
  {
    title: "UDP that nobody answers",
    ...{ port: 7102, is: "unanswered", replied: false },
    do: send(7102, 7102),
  },
  {
    title: "UDP that was answered",
    ...{ port: 7001, is: "expired", replied: true },
    do: inClient(`const s = require("dgram").createSocket("udp4"); s.on("message", () => s.close());
      s.send("four", 7001, "10.99.2.2")`),
  },
  {
    title: "TCP whose handshake the client does not complete",
    ...{ port: 7002, is: "halfOpen", replied: true },
    do: inClient(client(7002, "setTimeout(() => s.destroy(), 100)", 7202)),
  },
  {
    title: "TCP whose entry a program deletes",
    ...{ port: 7000, is: "deleted", replied: true },
    async do(lab) {
      // The client stays, and says nothing more.
      await lab.serveWith("a", client(7000, `s.write("x"); s.on("data", () => console.log("up"))`, 7203));
      lab.run("router", ["conntrack", "-D", "-p", "tcp", "--dport", "7000"]);
    },
  },
  {
    title: "TCP that falls silent",
    ...{ port: 7000, is: "timedOut", replied: true },
    async do(lab) {
      lab.run("router", sysctl("tcp_timeout_established", 1));
      await lab.serveWith("a", client(7000, `s.write("x"); s.on("data", () => console.log("up"))`));
      lab.run("router", sysctl("tcp_timeout_established", 432_000));
    },
  },
  {
    title: "a connection whose translated address is taken away",
    ...{ port: 7103, is: "removed", replied: false },
    do(lab) {
      lab.run("router", ["ip", "address", "add", "10.99.3.1/24", "dev", "to-b"]);
      lab.run("router", sysctl("udp_timeout", 30));
      inClient(datagram("10.99.3.2", 7103, 0))(lab);
      lab.run("router", sysctl("udp_timeout", 1));
      lab.run("router", ["ip", "address", "delete", "10.99.3.1/24", "dev", "to-b"]);
    },
  },
];

describe("how connections end, told by a real kernel", function () {
  this.timeout(40_000);
  needsKernel("nft", "conntrack");
  const lab = new RouterLab();
  let isUp = false;
  let running: RunningCollector;

  before(async () => {
    lab.up();
    isUp = true;
    lab.nft(ruleset);
    for (const [name, value] of Object.entries(timeouts)) lab.run("router", sysctl(name, value));
    lab.run("b", ["sysctl", "-qw", "net.ipv4.tcp_synack_retries=1"]);
    lab.run(
      "b",
      ["nft", "-f", "-"],
      `table inet t { chain i { type filter hook input priority 0;
      tcp dport { ${silent.join(", ")} } drop; udp dport { ${silent.join(", ")} } drop; }; }`,
    );
    lab.run(
      "a",
      ["nft", "-f", "-"],
      "table inet t { chain i { type filter hook input priority 0; tcp sport 7002 drop; }; }",
    );
    for (const port of [7000, 7002]) await lab.serveWith("b", echo(port));
    await lab.serveWith(
      "b",
      `const s = require("dgram").createSocket("udp4");
      s.on("message", (m, from) => s.send(m, from.port, from.address)).bind(7001, () => console.log("up"))`,
    );
    running = await startCollector(lab.routerPath);
  });

  after(async () => {
    await running?.stop();
    if (isUp) lab.down();
  });

  let begun = 0;
  beforeEach(() => {
    begun = systemClock.now() * 1_000;
  });

  /** The end of the connection of this test to a port. */
  const closed = (port: number) =>
    until("the end", () =>
      running.flows.find(
        ({ state, destinationPort, startedAt }) => state === "closed" && destinationPort === port && startedAt >= begun,
      ),
    );

  for (const { title, port, is, replied, do: act } of rows)
    it(`${title}: ${is}`, async () => {
      await act(lab);
      const flow = await closed(port);
      assert.deepEqual([flow.endReason, flow.replied, flow.midstream, flow.uncounted], [is, replied, false, false]);
      assert.equal(sumOf(ofConnection(running.flows, flow)), totalsOf(flow));
    });
});

describe("what else a real kernel tells of connections and denials", function () {
  this.timeout(40_000);
  needsKernel("nft", "conntrack");
  const lab = new RouterLab();
  let isUp = false;
  let running: RunningCollector;

  before(async () => {
    lab.up();
    isUp = true;
    lab.nft(ruleset);
    running = await startCollector(lab.routerPath);
  });

  after(async () => {
    await running?.stop();
    if (isUp) lab.down();
  });

  const told = (what: string, isIt: (flow: RawFlow) => boolean) => until(what, () => running.flows.find(isIt));

  it("that it met a connection amid its packets, after somebody deleted its entry", async () => {
    await lab.serveWith("b", echo(7000));
    const later = `s.write("x"); s.once("data", () => {
      require("dgram").createSocket("udp4").on("message", () => s.write("y")).bind(7398, "127.0.0.1", () => console.log("up"));
    })`;
    await lab.serveWith("a", client(7000, later, 7204));
    lab.run("router", ["conntrack", "-D", "-p", "tcp", "--dport", "7000"]);
    const goOn = `const s = require("dgram").createSocket("udp4"); s.send("on", 7398, "127.0.0.1", () => s.close())`;
    lab.run("a", [process.execPath, "-e", goOn]);
    const flow = await told(
      "the second half",
      ({ midstream, totalReplyPackets }) => midstream && totalReplyPackets > 0,
    );
    const ended = running.flows.filter(({ sourcePort, state }) => sourcePort === 7204 && state === "closed");
    assert.deepEqual([flow.sourceAddress, flow.sourcePort, flow.destinationPort], ["10.99.1.2", 7204, 7000]);
    assert.deepEqual(
      ended.map(({ midstream, endReason }) => [midstream, endReason]),
      [[false, "deleted"]],
    );
  });

  it("who announced a connection (TFTP)", async () => {
    await lab.serveWith(
      "b",
      `const { createSocket } = require("dgram");
      createSocket("udp4").on("message", (m, { port, address }) => {
        const s = createSocket("udp4");
        s.send("data", port, address, () => s.close());
      }).bind(69, () => console.log("up"))`,
    );
    lab.run("a", [
      process.execPath,
      "-e",
      `const s = require("dgram").createSocket("udp4");
      s.on("message", () => s.close()).bind(7369, () => s.send("\\x00\\x01file\\x00octet\\x00", 69, "10.99.2.2"))`,
    ]);
    const flow = await told("the data", ({ destinationPort }) => destinationPort === 7369);
    assert.deepEqual(
      [flow.sourceAddress, flow.related],
      [
        "10.99.2.2",
        {
          protocol: 17,
          ...{ sourceAddress: "10.99.1.2", sourcePort: 7369 },
          ...{ destinationAddress: "10.99.2.2", destinationPort: 69 },
        },
      ],
    );
  });

  it("its mark", async () => {
    send(7107, 7207)(lab);
    assert.equal((await told("the datagram", ({ sourcePort }) => sourcePort === 7207)).mark, 0x42);
  });

  it("which user of the node was denied, and the packet's mark", async () => {
    const denied = `process.setuid(1234); ${datagram("10.99.2.2", 7108, 7208)}`;
    lab.run("router", [process.execPath, "-e", denied]);
    const { uid, gid, mark, outInterface } = await told("the denial", ({ sourcePort }) => sourcePort === 7208);
    assert.deepEqual({ uid, gid, mark, outInterface }, { uid: 1234, gid: 0, mark: 0x17, outInterface: "to-b" });
  });

  it("what a denied ICMP error is about", async () => {
    send(7109, 7209)(lab);
    const { sourceAddress, icmp, related } = await told("the error", ({ related }) => related?.sourcePort === 7209);
    assert.deepEqual([sourceAddress, icmp], ["10.99.2.2", { type: 3, code: 3, id: 0 }]);
    assert.deepEqual(related, {
      protocol: 17,
      ...{ sourceAddress: "10.99.1.2", sourcePort: 7209 },
      ...{ destinationAddress: "10.99.2.2", destinationPort: 7109 },
    });
  });
});

const sysctl = (name: string, value: number) => ["sysctl", "-qw", `net.netfilter.nf_conntrack_${name}=${value}`];

function ofConnection(flows: readonly RawFlow[], { connection, startedAt }: RawFlow): readonly RawFlow[] {
  return flows.filter((flow) => flow.connection === connection && flow.startedAt === startedAt);
}

import assert from "node:assert/strict";
import { Collector, type CollectorOptions } from "../../collectors/collector.ts";
import { silentLog } from "../../core/log.ts";
import type { Source } from "../../core/pipeline.ts";
import type { RawDns } from "../../core/records/dns.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { Asked } from "../collectors/dns/names-served.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";

const names = new URL("../collectors/dns/names-served.ts", import.meta.url).href;
const settings = { nflogGroup: 6, maxPerSecond: 10_000, maxNames: 1_000, extraTtlMs: 60_000 };
const service = "10.96.0.53";
// A Service whose servers listen on another port, as OpenShift's DNS does; a filter of somebody else who denies a client's queries.
const ruleset = `
table inet other {
  chain service {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr ${service} udp dport 53 dnat ip to 10.99.2.2:5353
    ip daddr ${service} tcp dport 53 dnat ip to 10.99.2.2:5353
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ip daddr 10.99.2.2 udp dport 53 @th,160,8 9 drop
  }
}`;

async function gather<T>(source: Source<T>, into: T[]): Promise<void> {
  for await (const { items, ack } of source.open(new AbortController().signal)) {
    into.push(...items);
    await ack();
  }
}

interface Running {
  readonly dns: RawDns[];
  readonly flows: RawFlow[];
  readonly losses: Loss[];
  stop(): Promise<void>;
}

async function start(lab: RouterLab, over: Partial<CollectorOptions> = {}): Promise<Running> {
  const options = { node: "router", cluster: "test", namespacePath: lab.routerPath, windowMs: 250, log: silentLog };
  const collector = new Collector({ ...options, dns: settings, ...over });
  const stopping = new AbortController();
  const running = { dns: [] as RawDns[], flows: [] as RawFlow[], losses: [] as Loss[] };
  const all = Promise.all([
    collector.run(stopping.signal),
    gather(collector.flows, running.flows),
    gather(collector.losses, running.losses),
    gather(collector.heartbeats, []),
    gather(collector.dns, running.dns),
  ]);
  await Promise.race([collector.ready, all]);
  return {
    ...running,
    stop: async () => {
      stopping.abort();
      await all;
    },
  };
}

function ask(lab: RouterLab, ...all: readonly Asked[]): void {
  const script = `import(${JSON.stringify(names)}).then(({ ask }) => ask(...${JSON.stringify(all)}))`;
  lab.run("a", [process.execPath, "-e", script]);
}

const [A, AAAA] = [1, 28];
const four = "10.99.2.2";
const six = "fd99:2::2";

describe("DNS as a router sees it pass", function () {
  this.timeout(60_000);
  needsKernel("nft");
  const lab = new RouterLab();

  before(async () => {
    lab.up();
    lab.nft(ruleset);
    const places = [four, six].flatMap((address) => [[address, 53] as const, [address, 5353] as const]);
    await lab.serveWith(
      "b",
      `import(${JSON.stringify(names)}).then(({ serve }) => serve(...${JSON.stringify(places)}))`,
    );
    await lab.serve("b", "serve", four, 80, 100);
  });
  after(() => lab.down());

  const cases: readonly { title: string; asked: Asked; tells: Partial<RawDns>; answers: readonly string[] }[] = [
    {
      title: "by UDP over IPv4",
      asked: { server: four, name: "api.example.com", type: A },
      tells: {
        protocol: 17,
        clientAddress: "10.99.1.2" as never,
        serverAddress: four as never,
        serverPort: 53,
        queryType: "A",
        rcode: "NOERROR",
      },
      answers: ["lb.example.net", "10.99.2.2"],
    },
    {
      title: "by UDP over IPv6",
      asked: { server: six, name: "API.example.com", type: AAAA },
      tells: {
        protocol: 17,
        clientAddress: "fd99:1::2" as never,
        serverAddress: six as never,
        queryType: "AAAA",
        name: "api.example.com",
      },
      answers: ["lb.example.net", "fd99:2::2"],
    },
    {
      title: "by TCP over IPv4",
      asked: { server: four, name: "api.example.com", type: A, byTcp: true },
      tells: { protocol: 6, rcode: "NOERROR" },
      answers: ["lb.example.net", "10.99.2.2"],
    },
    {
      title: "by TCP over IPv6",
      asked: { server: six, name: "api.example.com", type: AAAA, byTcp: true },
      tells: { protocol: 6, rcode: "NOERROR" },
      answers: ["lb.example.net", "fd99:2::2"],
    },
    {
      title: "through a Service whose servers listen elsewhere",
      asked: { server: service, name: "api.example.com", type: A },
      tells: { serverAddress: four as never, serverPort: 5353 },
      answers: ["lb.example.net", "10.99.2.2"],
    },
    {
      title: "of a name that is not there",
      asked: { server: four, name: "no.example.com", type: A },
      tells: { rcode: "NXDOMAIN" },
      answers: [],
    },
    {
      title: "of an answer that is too long for UDP",
      asked: { server: four, name: "large.example.com", type: A },
      tells: { truncated: true },
      answers: [],
    },
  ];
  for (const { title, asked, tells, answers } of cases)
    it(`is told: ${title}`, async () => {
      const { dns, losses, stop } = await start(lab);
      ask(lab, asked);
      await until("the record", () => dns.length > 0);
      await stop();
      const [record, ...more] = dns;
      assert.deepEqual(more, []);
      assert.ok(record !== undefined);
      const told = Object.fromEntries(Object.keys(tells).map((key) => [key, record[key as keyof RawDns]]));
      assert.deepEqual(told, tells);
      assert.deepEqual(
        record.answers.map(({ data }) => data),
        answers,
      );
      assert.ok(record.latency !== null && record.latency > 0 && record.latency < 5_000_000, String(record.latency));
      assert.deepEqual(losses, []);
    });

  it("has the latency that the server made, from the kernel's own times", async () => {
    const { dns, stop } = await start(lab);
    ask(lab, { server: four, name: "slow.example.com", type: A });
    await stop();
    assert.ok((dns[0]?.latency ?? 0) >= 50_000, String(dns[0]?.latency));
  });

  it("tells of a long answer by TCP what its first segment holds", async () => {
    const { dns, stop } = await start(lab);
    ask(lab, { server: four, name: "large.example.com", type: A, byTcp: true });
    await stop();
    assert.deepEqual(
      dns.map(({ answerCount, answers, rcode }) => [answerCount, answers.length, rcode]),
      [[100, 64, "NOERROR"]],
    );
  });

  it("tells of a query that nobody answered", async () => {
    const { dns, stop } = await start(lab);
    ask(lab, { server: four, name: "silent.example.com", type: A, isUnheard: true });
    await stop();
    assert.deepEqual(
      dns.map(({ name, rcode, latency }) => [name, rcode, latency]),
      [["silent.example.com", null, null]],
    );
  });

  it("does not tell of queries that a policy denied, nor of answers that nobody asked for", async () => {
    const { dns, losses, stop } = await start(lab);
    // The filter drops names whose first label has nine letters.
    ask(lab, { server: four, name: "forbidden.example.com", type: A, isUnheard: true });
    lab.run("b", ["ip", "address", "add", "10.99.2.3/24", "dev", "eth0"]);
    lab.run("b", [
      process.execPath,
      "-e",
      `const s = require("node:dgram").createSocket({ type: "udp4", reuseAddr: true });
       s.bind(53, "10.99.2.3", () => s.send(Buffer.from("000181800001000000000000016100000100 01".replaceAll(" ", ""), "hex"), 40000, "10.99.1.2", () => s.close()))`,
    ]);
    ask(lab, { server: four, name: "no.example.com", type: A });
    await stop();
    assert.deepEqual(
      dns.map(({ name }) => name),
      ["no.example.com"],
    );
    assert.deepEqual(losses, []);
  });

  it("names the destination of flows by what their client had asked for", async () => {
    const { flows, stop } = await start(lab);
    await lab.traffic("a", "tcp", four, 80, 10, 0);
    ask(lab, { server: four, name: "api.example.com", type: A });
    await lab.traffic("a", "tcp", four, 80, 10, 0);
    await stop();
    const calls = Map.groupBy(
      flows.filter(({ destinationPort }) => destinationPort === 80),
      ({ sourcePort }) => sourcePort,
    );
    const told = [...calls.values()].map((records) => [
      ...new Set(records.map(({ destinationDomain }) => destinationDomain)),
    ]);
    assert.deepEqual(told, [[null], ["api.example.com"]]);
  });

  it("is told where somebody keeps it out of connection tracking, as caches on the node do", async () => {
    lab.nft(`${ruleset}
table inet untracked {
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    udp dport 53 notrack
    udp sport 53 notrack
  }
}`);
    const { dns, stop } = await start(lab);
    ask(lab, { server: four, name: "api.example.com", type: A });
    await stop();
    lab.nft(ruleset);
    assert.deepEqual(
      dns.map(({ name, rcode, latency }) => [name, rcode, latency !== null]),
      [["api.example.com", "NOERROR", true]],
    );
  });

  it("is not copied beyond the limit, which is a loss of known number", async () => {
    const { dns, losses, stop } = await start(lab, { dns: { ...settings, maxPerSecond: 10 } });
    ask(lab, ...Array.from({ length: 40 }, () => ({ server: four, name: "no.example.com", type: A })));
    await stop();
    const lost = losses.filter(({ detail }) => detail.includes("dns.max-per-second"));
    const copied = dns.length + dns.filter(({ latency }) => latency !== null).length;
    const beyond = lost.reduce((sum, { count }) => sum + (count ?? 0), 0);
    assert.ok(beyond >= 20, String(beyond));
    assert.equal(copied + beyond, 80);
  });

  it("is copied by rules that are there while it runs, and only if it is wanted", async () => {
    const tables = () => lab.run("router", ["nft", "list", "tables"]);
    const { stop } = await start(lab);
    assert.match(tables(), /sluice_dns/);
    await stop();
    assert.doesNotMatch(tables(), /sluice_dns/);
    lab.run("router", ["nft", "add", "table", "inet", "sluice_dns"]);
    const without = new Collector({ node: "router", cluster: "test", namespacePath: lab.routerPath, log: silentLog });
    const stopping = new AbortController();
    const ended = without.run(stopping.signal);
    await without.ready;
    assert.doesNotMatch(tables(), /sluice_dns/, "of an earlier run");
    stopping.abort();
    await ended;
    assert.match(tables(), /inet other/);
  });
});

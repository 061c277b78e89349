import assert from "node:assert/strict";
import { dnsCommand } from "../../bin/commands/dns.ts";
import { parseCidr } from "../../core/address.ts";
import { dnsRecord } from "../support/dns-record.ts";
import { seconds } from "../support/flows.ts";
import { FakeRim, run } from "./fake-rim.ts";

const upToNow = { since: 0, until: 1_700_000_060_000_000 + 60_000_000 };
const whatever = Number.MAX_SAFE_INTEGER;

describe("bin/commands/dns", () => {
  const cases: readonly { title: string; args: readonly string[]; asks: object }[] = [
    { title: "the last 20", args: [], asks: { ...upToNow, limit: 20, allReports: false } },
    {
      title: "all of a time",
      args: ["--since", "1m"],
      asks: { ...upToNow, since: seconds(0), limit: whatever, allReports: false },
    },
    {
      title: "names, types and results however they are written",
      args: ["--name", "*.Example.com", "--type", "aaaa", "--rcode", "nxdomain"],
      asks: { ...upToNow, limit: 20, allReports: false, name: "*.example.com", type: "AAAA", rcode: "NXDOMAIN" },
    },
    {
      title: "what was not answered",
      args: ["--unanswered"],
      asks: { ...upToNow, limit: 20, allReports: false, rcode: null },
    },
    {
      title: "ends by name and by address",
      args: ["--client", "prod-shop/api-*", "--server", "10.2.0.0/16", "--last", "3"],
      asks: {
        ...{ ...upToNow, limit: 3, allReports: false },
        client: { by: "name", namespace: "prod-shop", name: "api-*" },
        server: { by: "address", cidr: parseCidr("10.2.0.0/16") },
      },
    },
    {
      title: "what one node saw",
      args: ["--node", "node-2"],
      asks: { ...upToNow, limit: 20, allReports: true, node: "node-2" },
    },
  ];
  for (const { title, args, asks } of cases)
    it(`asks for ${title}`, async () => {
      const rim = new FakeRim();
      await run(dnsCommand, rim, ...args);
      assert.deepEqual(rim.asked, [asks]);
      assert.deepEqual(rim.notes, ["no records of DNS match"]);
    });

  it("prints a table of who asked for what, and what it leads to", async () => {
    const rim = new FakeRim();
    const alias = { name: "api.example.com", type: "CNAME", ttl: 30, data: "lb.example.net" };
    rim.held.dns.push(
      dnsRecord({
        answers: [alias, { name: "lb.example.net", type: "A", ttl: 5, data: "203.0.113.7" }],
        answerCount: 2,
      }),
      dnsRecord({ rcode: null, latency: null, answers: [], answerCount: 0, name: "silent.test", client: null }),
      dnsRecord({ answerCount: 9 }),
    );
    const lines = (await run(dnsCommand, rim)).split("\n").map((line) => line.trimEnd());
    assert.deepEqual(
      lines.map((line) => line.split(/ {2,}/)),
      [
        ["TIME", "CLIENT", "NAME", "TYPE", "RESULT", "MS", "ANSWERS"],
        ["2023-11-14 22:13:20", "dev-shop/web-1", "api.example.com", "A", "NOERROR", "2", "203.0.113.7"],
        ["2023-11-14 22:13:20", "10.1.0.5", "silent.test", "A", "no answer", "-", "-"],
        ["2023-11-14 22:13:20", "dev-shop/web-1", "api.example.com", "A", "NOERROR", "2", "203.0.113.7 ..."],
        [""],
      ],
    );
  });

  it("prints records as they are, as JSON lines", async () => {
    const rim = new FakeRim();
    rim.held.dns.push(dnsRecord());
    assert.deepEqual(JSON.parse(await run(dnsCommand, rim, "-o", "jsonl")), { type: "dns", ...dnsRecord() });
  });
});

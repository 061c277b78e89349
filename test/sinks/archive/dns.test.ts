import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress, parseCidr } from "../../../core/address.ts";
import type { DnsQuery } from "../../../core/dns-query.ts";
import type { DnsRecord } from "../../../core/records/dns.ts";
import { ArchiveStore } from "../../../sinks/archive/archive-store.ts";
import { dnsRecords } from "../../core/records/arbitrary.ts";
import { dnsRecord } from "../../support/dns-record.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { pod, seconds } from "../../support/flows.ts";
import { archiveIn, everything, never, withFolder } from "./folder.ts";

const all: DnsQuery = { since: everything.since, until: everything.until, limit: 1_000, allReports: true };

const records = [
  dnsRecord(),
  dnsRecord({ seq: 1, start: seconds(1), name: "www.example.com", queryType: "AAAA" }),
  dnsRecord({
    seq: 2,
    start: seconds(2),
    name: "gone.test",
    rcode: "NXDOMAIN",
    answers: [],
    client: pod("prod-shop/api-0"),
  }),
  dnsRecord({
    seq: 3,
    start: seconds(3),
    name: "silent.test",
    rcode: null,
    latency: null,
    clientAddress: parseAddress("fd00::9"),
    client: null,
  }),
  dnsRecord({ node: "node-2", seq: 0, start: seconds(4), authoritative: false }),
];

describe("records of DNS in the archive", function () {
  this.timeout(60_000);

  const cases: readonly { title: string; query: Partial<DnsQuery>; finds: readonly number[] }[] = [
    { title: "all of them, oldest first", query: {}, finds: [0, 1, 2, 3, 4] },
    { title: "the newest so many", query: { limit: 2 }, finds: [3, 4] },
    { title: "those to count", query: { allReports: false }, finds: [0, 1, 2, 3] },
    { title: "those of a time", query: { since: seconds(1), until: seconds(3) }, finds: [1, 2] },
    { title: "those of names like one", query: { name: "*.example.com" }, finds: [0, 1, 4] },
    { title: "those of a type", query: { type: "AAAA" }, finds: [1] },
    { title: "those with a result", query: { rcode: "NXDOMAIN" }, finds: [2] },
    { title: "those without an answer", query: { rcode: null }, finds: [3] },
    { title: "those of a node", query: { node: "node-2" }, finds: [4] },
    {
      title: "those of a client by name",
      query: { client: { by: "name", namespace: "prod-*", name: "api-0" } },
      finds: [2],
    },
    {
      title: "those of a server by name",
      query: { server: { by: "name", namespace: null, name: "dns-?" } },
      finds: [0, 1, 2, 3, 4],
    },
    {
      title: "those of a client by address",
      query: { client: { by: "address", cidr: parseCidr("fd00::/64") } },
      finds: [3],
    },
    { title: "none that a name would have to be SQL for", query: { name: "' or 1=1 --" }, finds: [] },
  ];
  for (const { title, query, finds } of cases)
    it(`are found: ${title}`, () =>
      withFolder(async (folder) => {
        const archive = archiveIn(folder);
        await archive.open();
        const beside = new ArchiveStore({ folder, memoryMb: 256, archive });
        const written = archive.sink("dns").write(records, never);
        const expected = finds.map((at) => records[at] as DnsRecord);
        assert.deepEqual(await beside.dns({ ...all, ...query }), expected, "from memory");
        await Promise.all([written, archive.flush()]);
        assert.deepEqual(await beside.dns({ ...all, ...query }), expected, "from a file");
        await archive.close();
      }));

  it("come back as they were, from a sealed hour too, and have their numbers among those of the node", () =>
    withFolder(async (folder) => {
      const clock = new FakeClock();
      const archive = archiveIn(folder, { clock });
      await archive.open();
      const now = clock.now() * 1000;
      const [sample] = fc.sample(fc.array(dnsRecords, { minLength: 30, maxLength: 30 }), { numRuns: 1, seed: 7 });
      const made = (sample ?? []).map((one, seq) => ({ ...one, node: "n", epoch: 1, seq, start: now + seq }));
      await Promise.all([archive.sink("dns").write(made, never), archive.flush()]);
      await clock.advance(3_600_000);
      await archive.maintain();
      await archive.close();
      const reader = new ArchiveStore({ folder, memoryMb: 256 });
      assert.deepEqual(await reader.dns(all), made);
      const runs = await reader.sequences({ since: now, until: now + 1_000 });
      assert.deepEqual(
        runs.map(({ node, first, last }) => [node, first, last]),
        [["n", 0, 29]],
      );
      await reader.close();
    }));
});

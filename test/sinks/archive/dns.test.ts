import assert from "node:assert/strict";
import fc from "fast-check";
import type { DnsQuery } from "../../../core/dns-query.ts";
import type { DnsRecord } from "../../../core/records/dns.ts";
import { ArchiveStore } from "../../../sinks/archive/archive-store.ts";
import { dnsRecords } from "../../core/records/arbitrary.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { dnsCases, dnsRecordsOfCases } from "../dns-cases.ts";
import { archiveIn, everything, never, withFolder } from "./folder.ts";

const all: DnsQuery = { since: everything.since, until: everything.until, limit: 1_000, allReports: true };

describe("records of DNS in the archive", function () {
  this.timeout(60_000);

  for (const { title, query, finds } of dnsCases)
    it(`are found: ${title}`, () =>
      withFolder(async (folder) => {
        const archive = archiveIn(folder);
        await archive.open();
        const beside = new ArchiveStore({ folder, memoryMb: 256, archive });
        const written = archive.sink("dns").write(dnsRecordsOfCases, never);
        const expected = finds.map((at) => dnsRecordsOfCases[at] as DnsRecord);
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

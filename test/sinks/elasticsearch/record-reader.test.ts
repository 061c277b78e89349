import assert from "node:assert/strict";
import { parseCidr } from "../../../core/address.ts";
import type { DnsQuery } from "../../../core/dns-query.ts";
import type { Heartbeat } from "../../../core/records/heartbeat.ts";
import { ElasticRecords } from "../../../sinks/elasticsearch/record-reader.ts";
import { change } from "../../support/changes.ts";
import { flow, loss, seconds } from "../../support/flows.ts";
import { needsServices } from "../../support/needs-services.ts";
import { dnsCases, dnsRecordsOfCases } from "../dns-cases.ts";
import { WrittenIndices } from "./written-flows.ts";

const span = { since: 0, until: seconds(1e6) };
const all: DnsQuery = { ...span, limit: 1_000, allReports: true };

describe("ElasticRecords", function () {
  this.timeout(60_000);
  const address = needsServices("elasticsearch");
  let written: WrittenIndices;
  let records: ElasticRecords;
  before(async () => {
    written = await WrittenIndices.at(address("elasticsearch"), "hour");
    records = new ElasticRecords(written);
  });
  after(() => written.remove());

  describe("of DNS", () => {
    before(() => written.write("dns", dnsRecordsOfCases));
    for (const { title, query, finds } of dnsCases)
      it(`finds ${title}`, async () => {
        const expected = finds.map((at) => dnsRecordsOfCases[at]);
        assert.deepEqual(await records.dns({ ...all, ...query }), expected);
      });

    it("takes IPv4 for no IPv6", async () => {
      const found = await records.dns({ ...all, client: { by: "address", cidr: parseCidr("::/0") } });
      assert.deepEqual(found, [dnsRecordsOfCases[3]]);
    });
  });

  it("gives losses, heartbeats and changes of a span back, by when they began", async () => {
    const losses = [loss({ seq: 5, detail: "a 'b'" }), loss({ seq: 6, start: seconds(2), count: 7 })];
    const heartbeat: Heartbeat = {
      ...{ cluster: "c", node: "n", epoch: 1, seq: 9, start: seconds(0), end: seconds(10), flows: 1, losses: 2 },
      ...{ conntrackEvents: 3, loggedPackets: 4, decodeFailures: 5, overruns: 6, dropped: 7 },
      ...{ connections: 8, connectionsMax: 9, eventDrops: 10, logDrops: 11, tableDrops: 12, earlyDrops: 13 },
      ...{ insertFailures: 14, searchRestarts: 15, clashes: 16 },
    };
    const changes = [change({ id: "a", end: null }), change({ id: "b" }), change({ id: "c", start: seconds(5) })];
    await written.write("loss", losses);
    await written.write("heartbeat", [heartbeat]);
    await written.write("change", changes.toReversed());
    assert.deepEqual(await records.losses(span), losses);
    assert.deepEqual(await records.losses({ since: seconds(0), until: seconds(2) }), losses.slice(0, 1));
    assert.deepEqual(await records.heartbeats(span), [heartbeat]);
    assert.deepEqual(await records.changes(span), changes);
    assert.deepEqual(await records.changes({ since: seconds(5), until: seconds(6) }), changes.slice(2));
  });

  it("tells which numbers the records of a span have, whatever they are records of", async () => {
    const other = await WrittenIndices.at(address("elasticsearch"), "day");
    await other.writeFlows([...[0, 1, 2, 3].map((seq) => flow({ seq })), flow({ seq: 0, node: "node-2" })]);
    await other.write("loss", [loss({ seq: 4 }), loss({ seq: 6 })]);
    const runs = await new ElasticRecords(other).sequences(span);
    assert.deepEqual(
      runs.map(({ node, first, last }) => `${node} ${first}-${last}`),
      ["node-1 0-4", "node-1 6-6", "node-2 0-0"],
    );
    await other.remove();
  });
});

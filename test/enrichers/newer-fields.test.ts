import assert from "node:assert/strict";
import type { Schema } from "avsc";
import { batches, batchSchema, rawDnsBatchSchema, rawFlowBatchSchema } from "../../core/records/batch.ts";
import type { DnsRecord, RawDns } from "../../core/records/dns.ts";
import type { Flow, RawFlow } from "../../core/records/flow.ts";
import { type BatchSchema, extended } from "../../core/records/unknown-fields.ts";
import { Enricher } from "../../enrichers/enrich.ts";
import { rawDns } from "../support/dns-record.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawFlow } from "../support/flows.ts";

const added = [
  { name: "latencyUs", type: ["null", "long"], default: null },
  { name: "tags", type: { type: "array", items: "string" }, default: [] },
] as const;
const news = { latencyUs: 1_234, tags: ["a", "b"] };
const later = (schema: Schema) => extended(schema as unknown as BatchSchema, added as never) as unknown as Schema;

/** A newer collector, our enricher, a newer reader: what comes out of the topics' codecs. */
async function passed<Raw extends object, Made extends object>(
  raws: readonly Raw[],
  raw: Schema,
  stage: (batch: readonly Raw[]) => readonly Made[] | Promise<readonly Made[]>,
  made: Schema,
): Promise<readonly (Made & typeof news)[]> {
  const sent = await batches<Raw>(later(raw), "raw").encode(raws);
  const read = await batches<Raw>(raw, "raw").decode(sent);
  const told = await batches<Made>(made, "made").encode(await stage(read));
  return batches<Made & typeof news>(later(made), "made").decode(told);
}

describe("an enricher of an older version than the collector", () => {
  const enricher = () => new Enricher({ clock: new FakeClock(), cluster: "lab" });

  it("hands on what it does not know of flows, of each record its own", async () => {
    const raws = [
      { ...rawFlow({ seq: 1 }), ...news },
      { ...rawFlow({ seq: 2 }), ...news, latencyUs: 7 },
      rawFlow({ seq: 3 }),
    ];
    const newer = raws.map((raw) => ({ latencyUs: null, tags: [], ...raw }));
    const flows = await passed<RawFlow, Flow>(newer, rawFlowBatchSchema(), enricher().stage, batchSchema("flow"));
    assert.deepEqual(
      flows.map(({ seq, latencyUs, tags }) => [seq, latencyUs, tags]),
      [
        [1, 1_234, ["a", "b"]],
        [2, 7, ["a", "b"]],
        [3, null, []],
      ],
    );
    assert.deepEqual(
      flows.map(({ source, mode }) => [source?.kind, mode !== undefined]),
      flows.map(() => ["network", true]),
    );
  });

  it("hands on what it does not know of DNS", async () => {
    const newer = [{ ...rawDns(), ...news }];
    const [told] = await passed<RawDns, DnsRecord>(newer, rawDnsBatchSchema(), enricher().dnsStage, batchSchema("dns"));
    assert.deepEqual([told?.latencyUs, told?.tags, told?.client?.kind], [1_234, ["a", "b"], "network"]);
  });
});

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { Flow } from "../../core/records/flow.ts";
import { realisticFlows } from "../bench/realistic-flows.ts";
import { archiveIn, store } from "../sinks/archive/folder.ts";
import { dnsRecordsOfCases } from "../sinks/dns-cases.ts";
import { WrittenIndices } from "../sinks/elasticsearch/written-flows.ts";
import { change } from "../support/changes.ts";
import { flow, loss, seconds } from "../support/flows.ts";
import { needsServices } from "../support/needs-services.ts";

// The same records in an archive and in Elasticsearch: every command that looks them up says the same of both.

const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));
const never = new AbortController().signal;

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe("sluice, asking Elasticsearch", function () {
  this.timeout(120_000); // each question is a process or two, on a machine that may be busy
  const address = needsServices("elasticsearch");
  let folder: string;
  let indices: WrittenIndices;

  before(async () => {
    const { value: realistic } = realisticFlows({ start: seconds(0), rate: 60, batch: 1_200 }).next() as {
      value: Flow[];
    };
    const flows = [...realistic, flow({ seq: 13 }), flow({ seq: 14, node: "node-2", authoritative: false })];
    const dns: readonly DnsRecord[] = dnsRecordsOfCases;
    folder = await mkdtemp(join(tmpdir(), "sluice-reading-"));
    const archive = archiveIn(folder);
    await archive.open();
    await store(archive, flows);
    const others = [
      archive.sink("dns").write(dns, never),
      archive.sink("change").write([change()], never),
      archive.sink("loss").write([loss({ seq: 7 })], never),
    ];
    await Promise.all([...others, archive.flush()]);
    await archive.close();
    indices = await WrittenIndices.at(address("elasticsearch"), "hour");
    await indices.write("flow", flows);
    await indices.write("dns", dns);
    await indices.write("change", [change()]);
    await indices.write("loss", [loss({ seq: 7 })]);
  });
  after(async () => {
    await indices.remove();
    await rm(folder, { recursive: true, force: true });
  });

  function ask(words: readonly string[], env: NodeJS.ProcessEnv): Promise<Answer> {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_")));
    return new Promise((resolve) => {
      const options = { env: { ...clean, ...env }, maxBuffer: 64e6 };
      execFile(process.execPath, [program, ...words], options, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), out, err }),
      );
    });
  }

  const ofArchive = (words: readonly string[]) => ask([...words, "--data-folder", folder], {});
  const ofElasticsearch = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    ask([...words, "--store", "elasticsearch", "--elasticsearch.urls", address("elasticsearch")], {
      SLUICE_ELASTICSEARCH_NAMESPACE: indices.namespace,
      ...env,
    });

  for (const line of [
    "flows --all -o jsonl",
    "flows --last 7 --all-reports -o json",
    "flows --first 30 --verdict deny -o csv",
    "flows --since 2023-11-14T22:13:40Z --until 2023-11-14T22:14:00Z --protocol udp -o jsonl",
    "flows --all --filter labels.app.kubernetes.io/name~app-?1* -o jsonl",
    "flows --all --filter dst.ip!=10.0.0.0/8 -o jsonl",
    "flows",
    "pairs --since 2023-01-01 --limit 40 -o jsonl",
    "pairs --since 2023-01-01 --verdict deny -o csv",
    "top policy --since 2023-01-01 -o jsonl",
    "top ns --since 2023-01-01 -o jsonl",
    "top src.labels.env --since 2023-01-01 -o jsonl",
    "top dst.ip --since 2023-01-01 --limit 5 -o jsonl",
    "dns --since 2023-01-01 -o jsonl",
    "dns --last 2 --name *.example.com",
    "changes --since 2023-01-01 -o jsonl",
    "completeness --since 2023-11-14T22:13 --until 2023-11-14T22:16 -o jsonl",
  ])
    it(`sluice ${line} says what it says of the archive`, async () => {
      const words = line.split(" ");
      const [expected, actual] = await Promise.all([ofArchive(words), ofElasticsearch(words)]);
      assert.notEqual(expected.out, "");
      assert.deepEqual(actual, expected);
    });

  it("takes the store from a setting", async () => {
    const words = ["flows", "--last", "1", "-o", "jsonl"];
    const env = { SLUICE_READ_FROM: "elasticsearch", SLUICE_ELASTICSEARCH_URLS: address("elasticsearch") };
    const { out } = await ask(words, { ...env, SLUICE_ELASTICSEARCH_NAMESPACE: indices.namespace });
    assert.equal(out, (await ofArchive(words)).out);
  });

  for (const { title, words, env, says } of [
    { title: "no address", words: ["flows"], env: { SLUICE_READ_FROM: "elasticsearch" }, says: /elasticsearch\.urls/ },
    {
      title: "an address at which nobody answers",
      words: ["pairs", "--store", "elasticsearch", "--elasticsearch.urls", "http://127.0.0.1:9"],
      says: /Elasticsearch did not answer/,
    },
    {
      title: "a question that only the archive answers",
      words: ["endpoints", "--store", "elasticsearch", "--elasticsearch.urls", "http://127.0.0.1:9"],
      says: /--store archive/,
    },
  ])
    it(`says what to do about ${title}`, async () => {
      const { code, out, err } = await ask(words, env ?? {});
      assert.match(err, says);
      assert.notEqual(code, 0);
      assert.equal(out, "");
    });
});

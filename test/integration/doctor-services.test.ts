import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { stringify } from "yaml";
import { systemClock } from "../../core/clock.ts";
import { freePort } from "../../scripts/services/processes.ts";
import { connectElastic, type Elastic } from "../../sinks/elasticsearch/elastic.ts";
import { sluice } from "../bin/command.ts";
import { needsServices } from "../support/needs-services.ts";

interface Found {
  readonly status: string;
  readonly subject: string;
  readonly text: string;
  readonly fix: string | null;
}

interface Template {
  readonly index_templates: readonly { readonly index_template: { readonly priority: number } }[];
}

// Real services in the state that each finding is about.
describe("sluice doctor, of Kafka and Elasticsearch", function () {
  this.timeout(120_000); // processes and two services, on a machine that may be busy
  const address = needsServices("kafka", "elasticsearch");
  const folder = mkdtempSync(join(tmpdir(), "sluice-doctor-"));
  const prefix = `t${randomUUID().slice(0, 8)}`;
  let [admin, elastic]: [Admin | undefined, Elastic | undefined] = [undefined, undefined];
  let kafka: Kafka;

  function settingsFile({ brokers = address("kafka"), urls = address("elasticsearch") } = {}): string {
    const file = join(folder, "settings.yaml");
    const bus = { ...(brokers === "" ? {} : { brokers: [brokers] }), prefix, partitions: 1, replicas: 1 };
    writeFileSync(file, stringify({ bus, ...(urls === "" ? {} : { elasticsearch: { urls: [urls] } }) }));
    return file;
  }

  async function run(...words: readonly string[]) {
    const made = sluice(...words);
    const code = await made.ended;
    return { code, ...made.printed };
  }

  async function doctor(file = settingsFile()): Promise<{ readonly code: number | null; readonly found: Found[] }> {
    const { code, out, err } = await run("doctor", "--config", file, "-o", "jsonl");
    const found = out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Found);
    assert.ok(found.length > 0, err);
    for (const one of found) assert.equal(one.fix !== null, one.status !== "ok", one.text);
    return { code, found };
  }
  const of = (found: readonly Found[], subject: string) => found.filter((one) => one.subject === subject);

  before(async () => {
    kafka = new Kafka({ brokers: [address("kafka")], clientId: "test", logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
    elastic = await connectElastic({ urls: [address("elasticsearch")] });
    const bus = ["--bus.brokers", address("kafka"), "--bus.prefix", prefix, "--bus.partitions", "1"];
    const topics = await run("bus", "topics", "--apply", ...bus, "--bus.replicas", "1");
    assert.equal(topics.code, 0, topics.err);
  });
  beforeEach(() => templates());
  after(async () => {
    await templates();
    const topics = (await admin?.listTopics())?.filter((name) => name.startsWith(prefix)) ?? [];
    await admin?.deleteTopics({ topics });
    await admin?.disconnect();
    await elastic?.close();
    rmSync(folder, { recursive: true });
  });

  async function templates(): Promise<void> {
    const to = ["--elasticsearch.urls", address("elasticsearch"), "--elasticsearch.force-templates", "true"];
    const { code, err } = await run("elasticsearch", "templates", ...to);
    assert.equal(code, 0, err);
  }

  it("finds topics and templates in order", async () => {
    const { found } = await doctor();
    assert.deepEqual(
      [...of(found, "topics"), ...of(found, "templates")].map(({ status }) => status),
      ["ok", "ok"],
    );
    assert.ok(of(found, "elasticsearch").some(({ status, text }) => status === "ok" && /^version \d/.test(text)));
    assert.ok(of(found, "clock").some(({ status, text }) => status === "ok" && text.includes("Elasticsearch")));
  });

  it("tells who is behind, and by how much", async () => {
    const topic = `${prefix}.flows`;
    const producer = kafka.producer();
    await producer.connect();
    const timestamp = String(systemClock.now() - 300_000);
    await producer.send({ topic, messages: [1, 2, 3].map(() => ({ key: "node-1", value: "x", timestamp })) });
    await producer.disconnect();
    await admin?.setOffsets({
      groupId: `${prefix}.archive.${topic}`,
      topic,
      partitions: [{ partition: 0, offset: "1" }],
    });
    const [lag] = of((await doctor()).found, "lag");
    assert.deepEqual(
      [lag?.status, lag?.text.replace(/\d+ s/, "N s")],
      ["warn", `${prefix}.archive.${topic} is 2 messages and N s behind`],
    );
    assert.ok(Number(/(\d+) s/.exec(lag?.text ?? "")?.[1]) >= 300, lag?.text);
  });

  it("tells which topic is missing", async () => {
    await admin?.deleteTopics({ topics: [`${prefix}.dns`] });
    const [topics] = of((await doctor()).found, "topics");
    assert.equal(topics?.status, "warn");
    assert.match(topics?.text ?? "", new RegExp(`^${prefix}\\.dns: `));
    assert.match(topics?.fix ?? "", /sluice bus topics --apply/);
  });

  it("tells which template somebody changed", async () => {
    const path = "/_index_template/sluice-flow";
    const answer = await elastic?.ask<Template>({ method: "GET", path });
    const { index_template: template } = answer?.body.index_templates[0] ?? assert.fail();
    // What it says of when a template was written it does not take back.
    const written = Object.entries(template).filter(([name]) => !/_date/.test(name));
    const body = { ...Object.fromEntries(written), priority: template.priority + 1 };
    const put = await elastic?.ask({ method: "PUT", path, body });
    assert.equal(put?.status, 200);
    const [found] = of((await doctor()).found, "templates");
    assert.deepEqual([found?.status, /^sluice-flow: changed/.test(found?.text ?? "")], ["warn", true], found?.text);
    assert.match(found?.fix ?? "", /sluice@custom/);
  });

  it("says so where Elasticsearch or Kafka is away, and looks at the rest", async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const withoutElastic = await doctor(settingsFile({ urls: `http://${nobody}` }));
    assert.notEqual(withoutElastic.code, 0);
    const [away] = of(withoutElastic.found, "elasticsearch");
    assert.equal(away?.status, "fail");
    assert.match(`${away?.text} ${away?.fix}`, new RegExp(nobody));
    assert.ok(of(withoutElastic.found, "topics").length > 0);
    const withoutKafka = await doctor(settingsFile({ brokers: nobody }));
    assert.notEqual(withoutKafka.code, 0);
    assert.deepEqual(
      of(withoutKafka.found, "topics").map(({ status }) => status),
      ["fail"],
    );
    assert.equal(of(withoutKafka.found, "templates")[0]?.status, "ok");
  });
});

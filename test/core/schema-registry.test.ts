import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Schema } from "avsc";
import { batches, batchSchema, rawFlowBatchSchema } from "../../core/records/batch.ts";
import type { Loss } from "../../core/records/loss.ts";
import { type BatchSchema, extended } from "../../core/records/unknown-fields.ts";
import { SchemaRegistry } from "../../core/schema-registry.ts";
import { Authority } from "../support/certificates.ts";
import { needsServices } from "../support/needs-services.ts";

const loss: Loss = {
  cluster: "c",
  node: "n",
  epoch: 1,
  seq: 1,
  source: "queue",
  count: 1,
  start: 0,
  end: 1,
  detail: "full",
};
const number = { name: "number", type: "long" } as const;
const later = (fields: readonly object[]) =>
  extended(batchSchema("loss") as unknown as BatchSchema, fields as never) as unknown as Schema;

describe("core/schema-registry, on a real one (Apicurio, by the API of Confluent's)", function () {
  this.timeout(60_000); // a real server, on a machine that may be busy
  const address = needsServices("registry");
  const registry = () => new SchemaRegistry({ url: address("registry") });
  const rule = async (topic: string, compatibility: string) => {
    const answer = await fetch(`${address("registry")}/config/${topic}-value`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ compatibility }),
    });
    assert.ok(answer.ok, await answer.text());
  };

  it("gives a schema one number, whoever registers it, and the schema for the number", async () => {
    const topic = randomUUID();
    const [first, second] = [
      await registry().numberOf(topic, batchSchema("loss")),
      await registry().numberOf(topic, batchSchema("loss")),
    ];
    assert.equal(first, second);
    const kept = (await registry().schemaOf(first)) as { readonly name: string; readonly namespace: string };
    assert.deepEqual([kept.name, kept.namespace], ["LossBatch", "dev.sluice"]);
  });

  it("knows no schema of a number that was never given", async () => {
    assert.equal(await registry().schemaOf(2_000_000_000), undefined);
  });

  it("lets records of one process be read by another, and by a later version", async () => {
    const topic = randomUUID();
    const message = await batches<Loss>(batchSchema("loss"), topic, registry()).encode([loss]);
    assert.equal(message.value[0], 0);
    assert.deepEqual(await batches<Loss>(batchSchema("loss"), topic, registry()).decode(message), [loss]);
    const newer = batches<object>(later([{ ...number, default: 0 }]), topic, registry());
    assert.deepEqual(await newer.decode(message), [{ ...loss, number: 0 }]);
    const more = await newer.encode([{ ...loss, number: 5 }]);
    const [read] = await batches<Loss>(batchSchema("loss"), topic, registry()).decode(more);
    assert.equal((read as unknown as { number: number }).number, 5);
  });

  it("registers what passes through with fields of a newer version", async () => {
    const topic = randomUUID();
    const newer = batches<object>(later([{ ...number, default: 0 }]), topic, registry());
    const ours = batches<Loss>(batchSchema("loss"), topic, registry());
    const [read] = await ours.decode(await newer.encode([{ ...loss, number: 5 }]));
    const passed = await ours.encode([{ ...(read as Loss), detail: "passed on" }]);
    assert.deepEqual(await newer.decode(passed), [{ ...loss, detail: "passed on", number: 5 }]);
  });

  it("refuses a schema that does not go with the latest", async () => {
    const topic = randomUUID();
    await registry().numberOf(topic, batchSchema("loss"));
    await rule(topic, "BACKWARD");
    await registry().numberOf(topic, later([{ ...number, default: 0 }]));
    const incompatible = registry().numberOf(topic, later([number, { ...number, name: "second" }]));
    await assert.rejects(incompatible, { code: "REGISTRY_FAILED", retriable: false });
  });

  it("takes the schema of raw flows too", async () => {
    assert.ok((await registry().numberOf(randomUUID(), rawFlowBatchSchema())) > 0);
  });
});

describe("core/schema-registry, what it says when asked in vain", () => {
  let server: Server;
  let [status, seen] = [200, "" as string | undefined];
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  before((done) => {
    server = createServer((request, answer) => {
      seen = request.headers.authorization;
      answer.writeHead(status, { "content-type": "application/json" }).end('{"error_code":50001,"message":"no"}');
    }).listen(0, "127.0.0.1", done);
  });
  after((done) => void server.close(done));

  for (const { title, code, retriable } of [
    { title: "a server in trouble may be asked again", code: 503, retriable: true },
    { title: "a page that is none of the API is no unknown schema", code: 404, retriable: false },
    { title: "a refusal names the setting", code: 401, retriable: false },
  ])
    it(title, async () => {
      status = code;
      await assert.rejects(new SchemaRegistry({ url: url() }).schemaOf(1), { code: "REGISTRY_FAILED", retriable });
    });

  it("says who we are, and takes a changed password", async () => {
    let password = "old";
    status = 503;
    const registry = new SchemaRegistry({ url: url(), access: () => ({ username: "sluice", password }) });
    for (const next of ["old", "new"]) {
      password = next;
      await assert.rejects(registry.schemaOf(1), (thrown: Error) => !thrown.message.includes(password));
      assert.equal(seen, `Basic ${Buffer.from(`sluice:${next}`).toString("base64")}`);
    }
  });

  it("a registry that is away may be asked again", async () => {
    const registry = new SchemaRegistry({ url: "http://127.0.0.1:1/" });
    await assert.rejects(registry.schemaOf(1), { code: "REGISTRY_FAILED", retriable: true });
  });
});

describe("core/schema-registry, over TLS", () => {
  let [folder, authority] = ["", undefined as Authority | undefined];
  let server: Server;
  const authorities = () => readFileSync((authority as Authority).file, "utf8");
  const registry = (host: string, access: () => { readonly authorities?: string }) =>
    new SchemaRegistry({ url: `https://${host}:${(server.address() as AddressInfo).port}`, access });

  before((done) => {
    folder = mkdtempSync(join(tmpdir(), "sluice-registry-"));
    authority = new Authority(folder, "authority");
    const { certificate, key } = authority.issue("registry", { names: "IP:127.0.0.1" });
    const pair = { cert: readFileSync(certificate), key: readFileSync(key) };
    server = createTlsServer(pair, (_, answer) => answer.end('{"schema":"\\"string\\""}')).listen(0, "127.0.0.1", done);
  });
  after((done) => {
    rmSync(folder, { recursive: true });
    server.close(done);
  });

  it("asks one that the given authority signed for", async () => {
    assert.equal(await registry("127.0.0.1", () => ({ authorities: authorities() })).schemaOf(1), "string");
  });

  it("asks none that nobody we trust signed for, or that has another name", async () => {
    await assert.rejects(registry("127.0.0.1", () => ({})).schemaOf(1), {
      code: "REGISTRY_FAILED",
      message: /unable to verify|self-signed/,
    });
    await assert.rejects(registry("localhost", () => ({ authorities: authorities() })).schemaOf(1), {
      code: "REGISTRY_FAILED",
      message: /altnames/,
    });
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { request as plainRequest } from "node:http";
import { type RequestOptions, request as secureRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Intake } from "../../../collectors/audit/intake.ts";
import { Journal } from "../../../collectors/audit/journal.ts";
import type { ServerTls } from "../../../collectors/audit/post-server.ts";
import { answerAdmission, receiveAudit } from "../../../collectors/audit/receiver.ts";
import type { Deed } from "../../../core/kube/deed.ts";
import { silentLog } from "../../../core/log.ts";
import { Metrics } from "../../../core/metrics.ts";
import { Authority } from "../../support/certificates.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/until.ts";
import { auditEvent, eventList } from "./audit-event.ts";

describe("a receiver of audit events", () => {
  let folder: string;
  let stop: AbortController;
  let running: Promise<void>;
  let port: number;
  let metrics: Metrics;
  let intake: Intake;
  let told: Deed[];
  /** How many audit events were heard. */
  let heard: number;
  const clock = new FakeClock();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-receiver-"));
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await intake.close();
    rmSync(folder, { recursive: true });
  });

  async function begin({
    tls = null,
    token,
  }: {
    readonly tls?: ServerTls | null;
    readonly token?: string;
  } = {}): Promise<void> {
    [told, heard, metrics, stop] = [[], 0, new Metrics(), new AbortController()];
    const onHeard = (events: readonly unknown[]) => {
      heard += events.length;
    };
    const onDeeds = (deeds: readonly Deed[]) => void told.push(...deeds);
    const journal = new Journal(join(folder, "journal"));
    intake = new Intake({ journal, isControl: () => true, onDeeds, onHeard, metrics, clock });
    await intake.open();
    const options = { address: { host: "127.0.0.1", port: 0 }, tls, intake, metrics, clock, log: silentLog };
    const listening = Promise.withResolvers<number>();
    running =
      token === undefined
        ? receiveAudit(options, stop.signal, listening.resolve)
        : answerAdmission({ ...options, token }, stop.signal, listening.resolve);
    port = await listening.promise;
  }

  interface Asked {
    readonly path?: string;
    readonly method?: string;
    readonly headers?: OutgoingHttpHeaders;
    readonly secure?: RequestOptions;
  }

  function send(body: string | Buffer, { path = "/audit", method = "POST", headers = {}, secure }: Asked = {}) {
    return new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const options = { host: "127.0.0.1", port, path, method, headers, agent: false as const };
      const request = secure === undefined ? plainRequest(options) : secureRequest({ ...options, ...secure });
      request.once("response", (reply) => {
        const parts: Buffer[] = [];
        reply.on("data", (part: Buffer) => parts.push(part));
        reply.once("end", () => resolve({ status: reply.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      });
      request.once("error", reject);
      request.end(body);
    });
  }

  const good = eventList([auditEvent()]);

  it("takes a list of them", async () => {
    await begin();
    assert.deepEqual(await send(good), { status: 200, text: "ok\n" });
    assert.deepEqual([told.length, heard], [1, 1]);
  });

  const refusals: readonly {
    readonly title: string;
    readonly body?: string | Buffer;
    readonly asked?: Asked;
    readonly is: readonly [number, string];
  }[] = [
    { title: "at another path", asked: { path: "/" }, is: [404, "path"] },
    { title: "by another method", asked: { method: "PUT" }, is: [405, "method"] },
    { title: "that are none", body: "{}", is: [400, "body"] },
    { title: "that are no text", body: Buffer.from([0xff, 0xfe]), is: [400, "body"] },
    {
      title: "that are compressed",
      body: gzipSync(good),
      asked: { headers: { "content-encoding": "gzip" } },
      is: [400, "body"],
    },
    { title: "of more than a batch has", asked: { headers: { "content-length": 67_108_865 } }, is: [413, "size"] },
  ];
  for (const { title, body = good, asked, is } of refusals)
    it(`turns away those ${title}, and counts it`, async () => {
      await begin();
      const [status, reason] = is;
      assert.equal((await send(body, asked)).status, status);
      assert.match(await metrics.text(), new RegExp(`sluice_audit_refused_requests_total\\{reason="${reason}"\\} 1`));
      assert.deepEqual(told, []);
    });

  it("takes those of many at once, one after the other", async () => {
    await begin();
    const lists = Array.from({ length: 20 }, (_, index) => eventList([auditEvent({ auditID: String(index) })]));
    const replies = await Promise.all(lists.map((list) => send(list)));
    assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200]);
    assert.equal(told.length, 20);
  });

  it("says that it has them only when they are on disk", async () => {
    await begin();
    await intake.close();
    assert.equal((await send(good)).status, 503);
    assert.match(await metrics.text(), /reason="kept"\} 1/);
  });

  it("with certificates takes them from who shows one, by name", async () => {
    const authority = new Authority(folder, "authority");
    const server = authority.issue("server", { names: "IP:127.0.0.1" });
    const [client, stranger] = [authority.issue("kube-apiserver"), authority.issue("kubelet")];
    const other = new Authority(folder, "other").issue("kube-apiserver-2");
    const files = { certificateFile: server.certificate, keyFile: server.key, clientCaFile: authority.file };
    await begin({ tls: { ...files, clientNames: ["kube-apiserver"] } });
    const ca = readFileSync(authority.file);
    const as = ({ certificate, key }: typeof client) => ({
      secure: { ca, cert: readFileSync(certificate), key: readFileSync(key) },
    });
    assert.equal((await send(good, as(client))).status, 200);
    assert.equal((await send(good, as(stranger))).status, 403);
    await assert.rejects(send(good, { secure: { ca } }));
    await assert.rejects(send(good, as(other)));
    await assert.rejects(send(good));
    assert.match(await metrics.text(), /reason="client"\} 1/);
  });

  const review = (given: object = {}) =>
    JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: "r1",
        resource: { group: "networking.k8s.io", version: "v1", resource: "networkpolicies" },
        namespace: "default",
        operation: "CREATE",
        userInfo: { username: "ann", groups: ["team"] },
        object: { metadata: { name: "web", uid: "u1" }, spec: {} },
        oldObject: null,
        dryRun: false,
        options: { fieldManager: "kubectl-create" },
        ...given,
      },
    });

  it("of admission says yes, and keeps who it was", async () => {
    await begin({ token: "secret" });
    const { status, text } = await send(review(), { path: "/admission/secret?timeout=1s" });
    const response = { uid: "r1", allowed: true };
    assert.deepEqual(
      [status, JSON.parse(text)],
      [200, { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response }],
    );
    await until("it to be kept", () => told.length === 1);
    const [{ who, verb, target, toldBy } = assert.fail("nothing was told")] = told;
    assert.deepEqual(
      [toldBy, verb, who.user, who.fieldManager, target.name, target.uid],
      ["admission", "create", "ann", "kubectl-create", "web", "u1"],
    );
  });

  it("of admission is no sign that audit events come", async () => {
    await begin({ token: "secret" });
    await send(review(), { path: "/admission/secret" });
    await until("it to be kept", () => told.length === 1);
    assert.equal(heard, 0);
    assert.match(await metrics.text(), /^sluice_audit_last_event_timestamp_seconds 0$/m);
  });

  it("of admission answers nobody without the token", async () => {
    await begin({ token: "secret" });
    assert.equal((await send(review(), { path: "/admission" })).status, 404);
  });

  it("of admission says yes although it cannot keep anything", async () => {
    await begin({ token: "" });
    await intake.close();
    assert.equal((await send(review(), { path: "/admission" })).status, 200);
    await until("the count", async () => (await metrics.text()).includes('reason="kept"} 1'));
  });

  for (const [title, given] of [
    ["a dry run", { dryRun: true }],
    ["what changes nothing", { operation: "CONNECT" }],
  ] as const)
    it(`of admission keeps nothing of ${title}`, async () => {
      await begin({ token: "" });
      assert.equal((await send(review(given), { path: "/admission" })).status, 200);
      await intake.keep([]);
      assert.deepEqual(told, []);
    });

  it("of admission says that it does not understand", async () => {
    await begin({ token: "" });
    assert.equal((await send(review({ uid: "" }), { path: "/admission" })).status, 400);
  });
});

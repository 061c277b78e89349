import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api, ApiError } from "../../../../core/kube/api/api.ts";
import { connectionOf } from "../../../../core/kube/api/connection.ts";
import { Authority } from "../../../support/certificates.ts";
import { needsApiServer } from "../../../support/needs-api-server.ts";

describe("requests to a Kubernetes API server", function () {
  this.timeout(60_000);
  const server = needsApiServer({ users: [{ name: "ann", groups: ["team"] }] });
  const api = (user?: string) => new Api(connectionOf({ kubeconfig: server().kubeconfig(user) }));

  it("carry objects as they are, `from` included", async () => {
    const spec = { podSelector: {}, ingress: [{ from: [{ podSelector: { matchLabels: { app: "web" } } }] }] };
    const body = { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "web" }, spec };
    const path = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
    await api().send("POST", path, { body });
    const kept = (await api().get(`${path}/web`)) as { readonly spec: typeof spec };
    assert.deepEqual(kept.spec.ingress, spec.ingress);
  });

  it("that are refused say why", async () => {
    const asked = api("ann").get("/api/v1/pods");
    await assert.rejects(asked, ({ status, reason, retriable, message }: ApiError) => {
      assert.deepEqual({ status, reason, retriable }, { status: 403, reason: "Forbidden", retriable: false });
      return /User "ann" cannot list resource "pods"/.test(message);
    });
  });

  it("to nobody may be tried again", async () => {
    const nobody = new Api({ server: "https://127.0.0.1:9", options: () => Promise.resolve({}) });
    await assert.rejects(nobody.get("/api"), ({ status, retriable }: ApiError) => status === 0 && retriable);
  });
});

describe("answers of a Kubernetes API server", function () {
  this.timeout(20_000);
  const folder = mkdtempSync(join(tmpdir(), "sluice-api-"));
  let server: Server;
  let api: Api;
  before(async () => {
    const authority = new Authority(folder, "authority");
    const { certificate, key } = authority.issue("server", { names: "IP:127.0.0.1" });
    server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
      answers[request.url ?? ""]?.(response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const options = { ca: readFileSync(authority.file), agent: false } as const;
    const { port } = server.address() as AddressInfo;
    api = new Api({ server: `https://127.0.0.1:${port}/clusters/a`, options: () => Promise.resolve(options) });
  });
  after(() => {
    server?.close();
    rmSync(folder, { recursive: true });
  });

  const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    "/clusters/a/good": (response) => response.end("{}"),
    "/clusters/a/torn": (response) => response.write('{"items": [', () => response.destroy()),
    "/clusters/a/page": (response) => response.end("<html>"),
    "/clusters/a/torn-refusal": (response) => response.writeHead(503).write("{", () => response.destroy()),
    "/clusters/a/silent": () => {},
  };

  it("are asked for below the path of its own address", async () => {
    assert.deepEqual(await api.get("/good"), {});
  });

  for (const { title, path, status, says } of [
    { title: "break off", path: "/torn", status: 0, says: /^GET \/torn: / },
    { title: "are no JSON", path: "/page", status: 0, says: /is no JSON/ },
    { title: "break off while they refuse", path: "/torn-refusal", status: 503, says: /503/ },
    { title: "do not come", path: "/silent", status: 0, says: /nothing came for 100 ms/ },
  ])
    it(`that ${title} may be asked for again`, async () => {
      const asked = api.get(path, { idleMs: 100 });
      await assert.rejects(asked, (error: unknown) => {
        assert.ok(error instanceof ApiError, String(error));
        assert.equal(error.status, status);
        assert.match(error.message, says);
        return error.retriable;
      });
    });

  it("may be asked for again where credentials could not be read", async () => {
    const options = () => Promise.reject(new Error("ENOENT: token"));
    const asked = new Api({ server: "https://127.0.0.1:9", options }).get("/api");
    await assert.rejects(
      asked,
      (error: unknown) => error instanceof ApiError && /no credentials: ENOENT/.test(error.message),
    );
  });
});

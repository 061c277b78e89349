import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { connectionOf } from "../../../../core/kube/api/connection.ts";

describe("core/kube/api/connection", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-kubeconfig-"));
  after(() => rmSync(folder, { recursive: true }));
  const [path, certificate] = [join(folder, "kubeconfig"), join(folder, "client.crt")];

  beforeEach(() => {
    writeFileSync(certificate, "first");
    const user = { "client-certificate": certificate, "client-key": certificate };
    const contexts = [
      { name: "prod", context: { cluster: "prod", user: "me" } },
      { name: "plain", context: { cluster: "plain", user: "me" } },
      { name: "lost", context: { cluster: "gone", user: "me" } },
    ];
    const clusters = [
      { name: "prod", cluster: { server: "https://192.0.2.1:6443" } },
      { name: "plain", cluster: { server: "http://192.0.2.1:8080" } },
    ];
    const users = [{ name: "me", user }];
    const config = { apiVersion: "v1", kind: "Config", "current-context": "prod", contexts, clusters, users };
    writeFileSync(path, stringify(config));
  });

  it("keeps connections open from one request to the next, until certificates are others", async () => {
    const connection = connectionOf({ kubeconfig: path });
    const agentNow = async () => (await connection.options()).agent as Agent;
    const first = await agentNow();
    assert.equal(await agentNow(), first);
    writeFileSync(certificate, "renewed");
    const renewed = await agentNow();
    assert.notEqual(renewed, first);
    assert.equal(String(renewed.options.cert), "renewed");
  });

  it("takes the context that is named", () => {
    assert.equal(connectionOf({ kubeconfig: path, context: "prod" }).server, "https://192.0.2.1:6443");
  });

  for (const { title, choice, says } of [
    { title: "a file that is not there", choice: { kubeconfig: join(folder, "none") }, says: /ENOENT/ },
    {
      title: "an unknown context, naming those that there are",
      choice: { context: "x" },
      says: /contexts are prod, plain, lost/,
    },
    { title: "a context without its cluster", choice: { context: "lost" }, says: /no cluster for context "lost"/ },
    { title: "a server without TLS", choice: { context: "plain" }, says: /not asked without TLS/ },
  ])
    it(`refuses ${title}`, () => {
      assert.throws(() => connectionOf({ kubeconfig: path, ...choice }), { code: "KUBE_FAILED", message: says });
    });

  it("says so where there is no configuration at all", () => {
    const { HOME, KUBECONFIG } = process.env;
    Object.assign(process.env, { HOME: join(folder, "nobody"), KUBECONFIG: "" });
    try {
      assert.throws(() => connectionOf(), { code: "KUBE_FAILED", message: /there is no kubeconfig/ });
    } finally {
      Object.assign(process.env, { HOME });
      if (KUBECONFIG === undefined) delete process.env["KUBECONFIG"];
      else process.env["KUBECONFIG"] = KUBECONFIG;
    }
  });
});

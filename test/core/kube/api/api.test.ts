import assert from "node:assert/strict";
import { Api, type ApiError } from "../../../../core/kube/api/api.ts";
import { connectionOf } from "../../../../core/kube/api/connection.ts";
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

import assert from "node:assert/strict";
import { needsApiServer } from "../../support/needs-api-server.ts";

describe("API server of the lab", function () {
  this.timeout(60_000);
  const server = needsApiServer({ users: [{ name: "ann", groups: ["team"] }] });

  it("answers as whom it is asked, and refuses who may not", async () => {
    const path = "/api/v1/namespaces";
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    assert.equal((await server().request("POST", path, { body })).status, 201);
    assert.equal((await server().request("GET", path, { user: "ann" })).status, 403);
    assert.equal((await server().request("GET", path, { user: "nobody" })).status, 401);
  });

  it("keeps its address and objects through a crash", async () => {
    const { url } = server();
    await server().stop("SIGKILL");
    await server().start();
    assert.equal(server().url, url);
    assert.equal((await server().request("GET", "/api/v1/namespaces/shop")).status, 200);
  });
});

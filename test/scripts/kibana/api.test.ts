import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { importObjects, Kibana, putRoles, putRules } from "../../../scripts/kibana/api.ts";
import { rolesJson, spaceJson } from "../../../scripts/kibana/roles.ts";
import { rulesJson } from "../../../scripts/kibana/rules.ts";
import { kibanaNdjson } from "../../../scripts/kibana/saved-objects.ts";

const ndjson = kibanaNdjson();
const count = ndjson.trimEnd().split("\n").length;

describe("scripts/kibana/api", () => {
  const asked: { readonly line: string; readonly headers: Readonly<Record<string, unknown>>; readonly body: string }[] =
    [];
  let answer: (path: string) => { readonly status: number; readonly body: object };
  let server: Server;
  let url: string;

  before(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        asked.push({
          line: `${request.method} ${request.url}`,
          headers: request.headers,
          body: Buffer.concat(parts).toString(),
        });
        const { status, body } = answer(request.url ?? "");
        response.writeHead(status, { "content-type": "application/json" });
        response.end(status === 204 ? "" : JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());
  beforeEach(() => {
    asked.length = 0;
  });

  it("imports all objects into a space, as whom it was told", async () => {
    answer = () => ({ status: 200, body: { success: true, successCount: count } });
    const kibana = Kibana.of({ KIBANA_URL: url, KIBANA_SPACE: "sluice", KIBANA_API_KEY: "abc" });
    assert.equal(await importObjects(kibana, ndjson), `${count} saved objects are there`);
    const [{ line, headers, body }] = asked as [(typeof asked)[0]];
    assert.equal(line, "POST /s/sluice/api/saved_objects/_import?overwrite=true");
    assert.deepEqual([headers["kbn-xsrf"], headers["authorization"]], ["true", "ApiKey abc"]);
    assert.ok(body.includes(ndjson.split("\n")[0] as string));
  });
  for (const [title, status, body, says] of [
    [
      "an object was refused",
      200,
      { success: false, successCount: count - 1, errors: [{ id: "x" }] },
      /took \d+ of \d+ objects: \{"id":"x"\}/,
    ],
    ["one is missing without a word", 200, { success: true, successCount: count - 1 }, /took/],
    ["it may not", 403, { message: "no" }, /refuses the import \(403\)/],
  ] as const)
    it(`fails where ${title}`, async () => {
      answer = () => ({ status, body });
      await assert.rejects(importObjects(new Kibana(url, "", undefined), ndjson), says);
    });
  it("says where no Kibana is", async () => {
    await assert.rejects(
      importObjects(new Kibana("http://127.0.0.1:1", "", undefined), ndjson),
      /no Kibana answers at/,
    );
  });
  it("makes the rules that are not there, in the space, switched off", async () => {
    answer = (path) => ({ status: path.endsWith("sluice-lost") ? 409 : 200, body: {} });
    assert.match(await putRules(new Kibana(url, "a", undefined), rulesJson()), /^3 of 4 rules made/);
    assert.ok(asked.every(({ line }) => line.startsWith("POST /s/a/api/alerting/rule/sluice-")));
    assert.ok(asked.every(({ body }) => (JSON.parse(body) as { readonly enabled: boolean }).enabled === false));
  });
  it("makes space and roles", async () => {
    answer = (path) => ({ status: path.includes("/role/") ? 204 : 409, body: {} });
    assert.match(await putRoles(new Kibana(url, "a", undefined), spaceJson(), rolesJson()), /7 roles are there/);
  });

  it("imports into a real Kibana, where KIBANA_URL names one", async function () {
    if (process.env["KIBANA_URL"] === undefined) {
      console.log("skipped: KIBANA_URL names no Kibana");
      this.skip();
    }
    await importObjects(Kibana.of(process.env), ndjson);
  });
});

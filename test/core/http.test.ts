import assert from "node:assert/strict";
import { type Listener, listen, parseListen, text } from "../../core/http.ts";

const addresses: readonly (readonly [text: string, meaning: string])[] = [
  ["127.0.0.1:9464", "127.0.0.1 9464"],
  ["[::1]:80", "::1 80"],
  ["localhost:0", "localhost 0"],
  ["0.0.0.0:65535", "0.0.0.0 65535"],
  ["0.0.0.0:65536", "nothing"],
  ["::1:80", "nothing"],
  ["9464", "nothing"],
  [":9464", "nothing"],
  ["host:", "nothing"],
  ["a b:80", "nothing"],
];

const local = { host: "127.0.0.1", port: 0 };

describe("core/http", () => {
  const open: Listener[] = [];
  afterEach(async () => {
    for (const listener of open.splice(0)) await listener.close();
  });
  const start = async (routes: Parameters<typeof listen>[0]["routes"], address = local) => {
    const listener = await listen({ address, routes, setting: "metrics.listen" });
    open.push(listener);
    return `http://127.0.0.1:${listener.port}`;
  };

  for (const [written, meaning] of addresses)
    it(`"${written}" means ${meaning}`, () => {
      const parsed = parseListen(written);
      assert.equal(parsed === undefined ? "nothing" : `${parsed.host} ${parsed.port}`, meaning);
    });

  const answers: readonly (readonly [title: string, path: string, method: string, status: number, body: RegExp])[] = [
    ["a page", "/healthz", "GET", 200, /^ok\n$/],
    ["a page with a query", "/healthz?verbose", "GET", 200, /^ok\n$/],
    ["only the head of a page", "/healthz", "HEAD", 200, /^$/],
    ["what is not there", "/", "GET", 404, /try \/healthz, \/broken/],
    ["a name that every object has", "/constructor", "GET", 404, /nothing here/],
    ["another method", "/healthz", "POST", 405, /only GET/],
    ["a page that fails", "/broken", "GET", 500, /no luck/],
  ];
  for (const [title, path, method, status, body] of answers)
    it(`answers ${title} with ${status}`, async () => {
      const base = await start({
        "/healthz": () => text(200, "ok"),
        "/broken": () => Promise.reject(new Error("no luck")),
      });
      const response = await fetch(`${base}${path}`, { method });
      assert.equal(response.status, status);
      assert.match(await response.text(), body);
    });

  it("says in one sentence that the address is taken and which setting gives another", async () => {
    const port = Number(new URL(await start({})).port);
    await assert.rejects(start({}, { ...local, port }), {
      code: "PORT_TAKEN",
      message: `127.0.0.1:${port} is in use by another program; give --metrics.listen another address`,
    });
  });

  it("an address of no interface of this machine is refused likewise", () =>
    assert.rejects(start({}, { host: "192.0.2.1", port: 0 }), { code: "PORT_TAKEN" }));
});

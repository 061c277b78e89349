import assert from "node:assert/strict";
import { Readable } from "node:stream";
import fc from "fast-check";
import type { ApiError } from "../../../../core/kube/api/api.ts";
import { eventsOf } from "../../../../core/kube/api/events.ts";

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
const line = (type: string, told: unknown) => `${JSON.stringify({ type, object: told })}\n`;

const arriving = (...chunks: readonly Uint8Array[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

async function told(...chunks: readonly (string | Uint8Array)[]) {
  const events = [];
  const bytes = chunks.map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk));
  for await (const batch of eventsOf(arriving(...bytes)))
    events.push(batch.map(({ type, version }) => `${type} ${version}`));
  return events;
}

describe("core/kube/api/events", () => {
  const [a, b, mark] = [
    line("ADDED", object("ä", "1")),
    line("DELETED", object("b", "2")),
    line("BOOKMARK", { metadata: { resourceVersion: "3" } }),
  ];

  it("come in the batches in which they arrive, with the version up to which all is known", async () => {
    assert.deepEqual(await told(a + b, mark), [["ADDED 1", "DELETED 2"], ["BOOKMARK 3"]]);
  });

  it("are the same however the bytes are cut", async () => {
    const bytes = Buffer.from(a + b + mark);
    const cuts = fc.uniqueArray(fc.nat(bytes.length), { maxLength: 8 }).map((at) => [0, ...at.sort((x, y) => x - y)]);
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const chunks = at.map((from, index) => bytes.subarray(from, at[index + 1]));
        assert.deepEqual((await told(...chunks)).flat(), ["ADDED 1", "DELETED 2", "BOOKMARK 3"]);
      }),
    );
  });

  it("leave out what broke off, since another watch tells it again", async () => {
    assert.deepEqual(await told(a, b.slice(0, 20)), [["ADDED 1"]]);
  });

  const expired = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
  for (const { title, text, status, reason } of [
    { title: "an error of the server", text: line("ERROR", expired), status: 410, reason: "Expired" },
    { title: "an error without a reason", text: line("ERROR", null), status: 0, reason: "" },
    { title: "text that is no JSON", text: "<html>\n", status: 0, reason: "Malformed" },
    { title: "JSON that is no event", text: "null\n", status: 0, reason: "Malformed" },
    { title: "an event of an unknown type", text: line("MOVED", object("a", "1")), status: 0, reason: "Malformed" },
    { title: "an object without a version", text: line("ADDED", {}), status: 0, reason: "Malformed" },
  ])
    it(`end with ${title}, after what came before`, async () => {
      const batches = eventsOf(arriving(Buffer.from(a), Buffer.from(text)));
      assert.equal((await batches.next()).value?.length, 1);
      await assert.rejects(batches.next(), (error: ApiError) => {
        assert.deepEqual({ status: error.status, reason: error.reason }, { status, reason });
        return error.code === "KUBE_FAILED";
      });
    });
});

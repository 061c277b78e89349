import assert from "node:assert/strict";
import { shownOnce } from "../../bin/shown-once.ts";

const { signal } = new AbortController();
const one = { id: "1" };
const two = { id: "2" };

function sinks() {
  const shown: string[] = [];
  const stored: string[] = [];
  let isAway = false;
  const note = (list: string[]) => (batch: readonly { readonly id: string }[]) => {
    if (isAway && list === stored) return Promise.reject(new Error("away"));
    list.push(batch.map(({ id }) => id).join());
    return Promise.resolve();
  };
  const sink = shownOnce({ name: "view", write: note(shown) }, { name: "store", write: note(stored) });
  const away = async (batch: readonly { readonly id: string }[]) => {
    isAway = true;
    await assert.rejects(sink.write(batch, signal), /away/);
    isAway = false;
  };
  return { shown, stored, sink, away };
}

describe("bin/shown-once", () => {
  it("shows at once what is not stored yet, and no more when it is tried again", async () => {
    const { shown, stored, sink, away } = sinks();
    await away([one]);
    await away([one, two]);
    assert.deepEqual([shown, stored], [["1", "2"], []]);
    await sink.write([one, two], signal);
    assert.deepEqual([shown, stored], [["1", "2"], ["1,2"]]);
  });

  it("forgets what is stored", async () => {
    const { shown, sink } = sinks();
    await sink.write([one], signal);
    await sink.write([one], signal);
    assert.deepEqual(shown, ["1", "1"]);
  });
});

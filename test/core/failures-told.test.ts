import assert from "node:assert/strict";
import { failuresTold } from "../../core/failures-told.ts";
import { plainLog } from "../../core/log.ts";

describe("core/failures-told", () => {
  it("tells each reason once, and when it is over", async () => {
    const outcomes = ["away", "away", "full", "", "", "away"];
    const lines: string[] = [];
    const sink = {
      name: "s",
      write() {
        const outcome = outcomes.shift() ?? "";
        return outcome === "" ? Promise.resolve() : Promise.reject(new Error(outcome));
      },
    };
    const log = plainLog("info", (line) => void lines.push(line));
    const signal = new AbortController().signal;
    const told = failuresTold<number>(sink, log);
    for (const _ of Array.from({ length: 6 })) await told.write([1], signal).catch(() => {});
    const words = lines.map((line) => /away|full|again/.exec(line.replace("sent again", ""))?.[0]);
    assert.deepEqual(words, ["away", "full", "again", "away"]);
  });

  it("says nothing of what was given up", async () => {
    const lines: string[] = [];
    const sink = { name: "s", write: () => Promise.reject(new Error("given up")) };
    const told = failuresTold<number>(
      sink,
      plainLog("info", (line) => void lines.push(line)),
    );
    await assert.rejects(told.write([1], AbortSignal.abort()));
    assert.deepEqual(lines, []);
  });
});

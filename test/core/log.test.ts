import assert from "node:assert/strict";
import { type Log, plainLog } from "../../core/log.ts";

describe("core/log, for people", () => {
  const cases: readonly { title: string; log: (log: Log) => void; lines: readonly string[] }[] = [
    { title: "a sentence", log: (log) => log.info({}, "ready"), lines: ["sluice: ready\n"] },
    {
      title: "a warning with fields",
      log: (log) => log.warn({ node: "n1", ms: 3 }, "late"),
      lines: ["sluice: warn: late (node n1, ms 3)\n"],
    },
    {
      title: "fields of its part, each once",
      log: (log) => log.child({ part: "enforcer", node: "n1" }).error({ node: "n2" }, "failed"),
      lines: ["sluice: error: failed (part enforcer, node n2)\n"],
    },
    { title: "nothing below its level", log: (log) => log.debug({}, "detail"), lines: [] },
    {
      title: "nothing that a terminal obeys",
      log: (log) => log.info({ name: "\u001b[2Jx\ny" }, "seen"),
      lines: ["sluice: seen (name  [2Jx y)\n"],
    },
  ];
  for (const { title, log, lines } of cases)
    it(`tells ${title}`, () => {
      const written: string[] = [];
      log(plainLog("info", (line) => void written.push(line)));
      assert.deepEqual(written, lines);
    });
});

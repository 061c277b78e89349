import assert from "node:assert/strict";
import { flowsCommand } from "../../bin/commands/flows.ts";
import { flow, pod, seconds } from "../support/flows.ts";
import { until } from "../support/until.ts";
import { FakeRim, run } from "./fake-rim.ts";

function rimWith(count: number): FakeRim {
  const rim = new FakeRim();
  for (let seq = 0; seq < count; seq++)
    rim.held.flows.push(flow({ seq, start: seconds(seq / 100), destinationPort: 1000 + seq, authoritative: true }));
  return rim;
}

const seqsOf = (text: string) => [...text.matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq));

describe("bin/commands/flows", () => {
  const cases: readonly { title: string; args: readonly string[]; seqs: readonly number[] }[] = [
    { title: "prints the last 20, oldest first", args: [], seqs: Array.from({ length: 20 }, (_, at) => 2480 + at) },
    { title: "prints the last so many", args: ["--last", "2"], seqs: [2498, 2499] },
    { title: "prints the first so many", args: ["--first", "2"], seqs: [0, 1] },
    { title: "prints from a time on", args: ["--since", "2023-11-14T22:13:44.98Z"], seqs: [2498, 2499] },
    { title: "prints from so long ago on", args: ["--since", "36s", "--first", "1"], seqs: [2400] },
    { title: "prints up to a time", args: ["--until", "2023-11-14T22:13:20.02Z"], seqs: [0, 1] },
    { title: "prints what a flag selects", args: ["--all", "--to-port", "1007,1009"], seqs: [7, 9] },
    {
      title: "negates the flag after --not only",
      args: ["--all", "--not", "--port", "1007", "--to-port", "1007,1009"],
      seqs: [9],
    },
    {
      title: "takes hubble's names",
      args: ["--first", "1", "--node-name", "node-1", "--verdict", "FORWARDED", "-A"],
      seqs: [0],
    },
  ];
  for (const { title, args, seqs } of cases)
    it(title, async () => {
      const rim = rimWith(2500);
      assert.deepEqual(seqsOf(await run(flowsCommand, rim, "-o", "jsonl", ...args)), seqs);
      assert.ok(rim.isClosed);
    });

  it("takes hubble's formats, and says of flags that change nothing why", async () => {
    const rim = rimWith(1);
    assert.match(await run(flowsCommand, rim, "-o", "jsonpb", "--print-node-name"), /^\{"type":"flow"/);
    assert.deepEqual(rim.notes, [
      "--print-node-name changes nothing: the node is a field of -o json, jsonl, yaml and csv",
    ]);
  });

  it("says on stderr that nothing was found", async () => {
    const rim = rimWith(0);
    assert.equal(await run(flowsCommand, rim), "");
    assert.deepEqual(rim.notes, ["no flows match"]);
    assert.equal(rim.code, 0);
  });

  it("pages through more than one page", async () => {
    assert.equal(seqsOf(await run(flowsCommand, rimWith(2500), "-o", "jsonl", "--all")).length, 2500);
  });

  it("leaves out what is not authoritative, unless all reports are asked for", async () => {
    const rim = new FakeRim();
    rim.held.flows.push(flow({ seq: 1, authoritative: false, reporter: "src" }));
    assert.equal(await run(flowsCommand, rim, "-o", "name"), "");
    assert.equal(await run(flowsCommand, rim, "-o", "name", "--all-reports"), "node-1/1700000000000/1\n");
  });

  it("follows: each flow once, also one that comes late, until it is stopped", async () => {
    const rim = rimWith(0);
    const done = run(flowsCommand, rim, "-o", "jsonl", "--follow", "--since", "5m");
    for (const seq of [2, 1]) {
      rim.held.flows.push(flow({ seq, start: seconds(seq) }));
      await until(`flow ${seq}`, () => rim.clock.sleeping > 0);
      await rim.clock.advance(500);
    }
    await rim.clock.advance(5000);
    rim.stop.abort();
    assert.deepEqual(seqsOf(await done), [2, 1]);
  });

  it("writes CSV that a spreadsheet takes for text", async () => {
    const rim = new FakeRim();
    rim.held.flows.push(flow({ source: pod("a/b-1", { note: "x" }), reason: '=cmd("a,b")' }));
    const [header = "", line = ""] = (await run(flowsCommand, rim, "-o", "csv")).split("\r\n");
    assert.match(header, /^time,verdict,reason,/);
    assert.match(line, /^2023-11-14T22:13:20.000000Z,allow,"'=cmd\(""a,b""\)",/);
  });

  it("prints a table in the columns of the live view, with the day", async () => {
    const text = await run(flowsCommand, rimWith(1));
    assert.match(text, /^TIME UTC VERDICT/);
    assert.match(text, /-- 2023-11-14 --\n22:13:20 ✓ ALLOW {6}dev-shop\/web-1/);
    assert.ok(!text.includes("\u001b"));
  });

  it("prints a JSON array, also of nothing", async () => {
    assert.equal(JSON.parse(await run(flowsCommand, rimWith(3), "-o", "json")).length, 3);
    assert.deepEqual(JSON.parse(await run(flowsCommand, rimWith(0), "-o", "json")), []);
  });

  const refused: readonly { title: string; args: readonly string[]; code: string }[] = [
    { title: "--first with --last", args: ["--first", "1", "--last", "1"], code: "USAGE" },
    { title: "--not before nothing", args: ["--port", "1", "--not"], code: "USAGE" },
    { title: "--since after --until", args: ["--since", "1m", "--until", "2m"], code: "USAGE" },
    { title: "a time that is none", args: ["--since", "soon"], code: "commander.invalidArgument" },
    { title: "a filter that is none", args: ["--filter", "x"], code: "FILTER_INVALID" },
  ];
  for (const { title, args, code } of refused)
    it(`refuses ${title}`, async () => {
      await assert.rejects(run(flowsCommand, new FakeRim(), ...args), { code });
    });
});

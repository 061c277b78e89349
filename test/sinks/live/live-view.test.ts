import assert from "node:assert/strict";
import type { Flow } from "../../../core/records/flow.ts";
import { LiveView, type LiveViewOptions } from "../../../sinks/live/live-view.ts";
import { Output } from "../../../sinks/live/output.ts";
import { coloured, plain } from "../../../sinks/live/paint.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { flow, pod } from "../../support/flows.ts";
import { assertGolden } from "../../support/golden.ts";
import { FakeStream } from "../../support/text-stream.ts";
import { scene, sceneLosses } from "./scene.ts";

/** test/golden/live holds them; those with colour have ANSI escapes as they are. */
const goldens = [
  { width: 80, paint: plain, file: "table-80.txt" },
  { width: 120, paint: plain, file: "table-120.txt" },
  { width: 160, paint: plain, file: "table-160.txt" },
  { width: 120, paint: coloured, file: "table-120-colour.txt" },
];

describe("sinks/live/live-view", () => {
  for (const { width, paint, file } of goldens) {
    it(`looks as in ${file}`, async () => {
      const { view, stream } = newView({ width: () => width, paint });
      await view.write(scene);
      await view.notice("policy changed: revision 0123456789abcdef, 42 rules about 14 pods");
      await view.losses.write(sceneLosses, new AbortController().signal);
      const origin = `What test/sinks/live/scene.ts looks like on a terminal of ${width} columns.`;
      assertGolden(`live/${file}`, `${origin}\n\n${stream.text}`);
    });
  }

  for (const width of [80, 95, 109, 110, 120, 149, 150, 200, 500, 10]) {
    it(`no line is wider than a terminal of ${width} columns`, async () => {
      const { view, stream } = newView({ width: () => width });
      await view.write(scene);
      await view.losses.write(sceneLosses, new AbortController().signal);
      await view.notice("a".repeat(700));
      const longest = Math.max(...stream.text.split("\n").map((line) => [...line].length));
      assert.ok(longest <= Math.max(80, width), `${longest} columns`);
    });
  }

  it("a connection shows once, however many windows and deliveries tell of it", async () => {
    const { view, stream } = newView();
    for (const seq of [1, 2, 2]) await view.write([flow({ seq, connection: 9 })]);
    await view.write([flow({ seq: 3, connection: 9, state: "closed" })]);
    assert.equal(rowCount(stream), 1);
  });

  it("a denied attempt that is repeated shows once, another attempt again", async () => {
    const { view, stream } = newView();
    for (const seq of [1, 2]) await view.write([flow({ seq, state: "denied", startedAt: seq })]);
    await view.write([flow({ seq: 3, state: "denied", sourcePort: 40_001 })]);
    assert.equal(rowCount(stream), 2);
  });

  it("a new connection that reuses number and ports shows", async () => {
    const { view, stream } = newView();
    await view.write([flow({ seq: 1, connection: 9 })]);
    await view.write([flow({ seq: 2, connection: 9, startedAt: 5 })]);
    assert.equal(rowCount(stream), 2);
  });

  it("rows that differ in labels, port or rule are not merged", async () => {
    const { view, stream } = newView();
    const parts: readonly Partial<Flow>[] = [
      {},
      { source: pod("dev-shop/web-1", { app: "web", env: "prod" }) },
      { destinationPort: 81 },
      { enforced: ["0|app|np:prod-shop/app.api|allow|1"] },
    ];
    await view.write(parts.map((part, connection) => flow({ connection, ...part })));
    assert.equal(rowCount(stream), 4);
  });

  it("without details a row is one line", async () => {
    const { view, stream } = newView({ details: false, width: () => 120 });
    await view.write([flow()]);
    assert.equal(stream.text.trimEnd().split("\n").length, 2);
  });

  it("names cannot control the terminal", async () => {
    const { view, stream } = newView();
    const evil = pod("dev\x1b[2J/we\rb\u202e\u0007-1", { "a\nb": "\x9b31m", ok: "naïve" });
    const enforced = ["0|t\x1b[31m|gnp:x\x07\n|allow|0"];
    await view.write([flow({ source: evil, node: "n\x1b]0;x\x07", enforced, reason: "\x1bc" })]);
    await view.notice("fault in \x1b[31mevil.yaml\n");
    await view.losses.write([{ ...sceneLosses[0], detail: "\x1b[5m" } as never], new AbortController().signal);
    // Only what the table itself draws with: line ends, and its arrows, signs and dots.
    assert.equal(stream.text.replace(/[\n\x20-\x7e✓✗→…×·]/gu, ""), "");
    assert.match(stream.text, /deploy\/we\\x0db\\u\{202e\}\\x07/);
  });

  it("the header comes again after forty lines on a terminal, and when the width changes", async () => {
    let width = 120;
    const { view, stream } = newView({ repeatHeader: true, width: () => width, details: false });
    for (let connection = 0; connection < 90; connection++) await view.write([flow({ connection })]);
    assert.equal(headerCount(stream), 3);
    width = 100;
    await view.write([flow({ connection: 1000 })]);
    assert.equal(headerCount(stream), 4);
  });

  it("in a file there is one header", async () => {
    const { view, stream } = newView({ details: false });
    for (let connection = 0; connection < 90; connection++) await view.write([flow({ connection })]);
    assert.equal(headerCount(stream), 1);
  });

  it("an empty batch prints nothing", async () => {
    const { view, stream } = newView();
    await view.write([]);
    assert.equal(stream.text, "");
  });
});

function newView(options: Partial<LiveViewOptions> = {}): { view: LiveView; stream: FakeStream } {
  const stream = new FakeStream();
  const given = { paint: plain, clock: new FakeClock(), width: () => 120, repeatHeader: false, ...options };
  return { view: new LiveView({ output: new Output(stream), ...given }), stream };
}

const rowCount = ({ text }: FakeStream) => text.match(/✓|✗|\? /g)?.length ?? 0;
const headerCount = ({ text }: FakeStream) => text.match(/TIME UTC/g)?.length ?? 0;

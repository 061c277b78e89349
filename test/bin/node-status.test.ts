import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCommand } from "../../bin/commands/node.ts";
import { judgeNode, type NodeStatus } from "../../bin/node-status.ts";
import { readStatuses, writeStatus } from "../../bin/status-folder.ts";
import type { ProofStatus } from "../../enforcer/prover.ts";
import { FakeRim, run } from "./fake-rim.ts";

const now = 1_700_000_060_000;
const proven: ProofStatus = {
  state: "enforcing",
  at: now - 4_000,
  since: now - 60_000,
  detail: [],
  probes: 9,
  failures: 0,
};

const status = (over: Partial<NodeStatus> = {}): NodeStatus => ({
  type: "node-status",
  node: "node-1",
  writtenAt: now - 2_000,
  stoppedAt: null,
  pid: 7,
  version: "0.1.0",
  mode: "enforce",
  open: false,
  revision: { wanted: "aa", due: "aa", applied: "aa" },
  appliedAt: now - 65_000,
  applyMs: 12,
  applies: 3,
  failures: 0,
  failure: null,
  drifts: 1,
  size: { rules: 200, sets: 50, elements: 1_000 },
  problems: [],
  probe: proven,
  lastArrival: { address: "10.0.0.1", at: now - 3_000, waitedMs: 4, sinceStartMs: 1_800 },
  ...over,
});

const cases: readonly { title: string; over: Partial<NodeStatus>; state: string; words: RegExp }[] = [
  { title: "proven a moment ago", over: {}, state: "enforcing", words: /^proven 4 s ago$/ },
  { title: "never probed", over: { probe: null }, state: "enforcing", words: /^not probed$/ },
  {
    title: "that cannot be probed",
    over: { probe: { ...proven, state: "unknown", detail: ["there is no /dev/net/tun here"] } },
    state: "enforcing",
    words: /no \/dev\/net\/tun/,
  },
  {
    title: "whose probe failed",
    over: { probe: { ...proven, state: "not-enforceable", detail: ["there is no table of ours"] } },
    state: "not-enforceable",
    words: /^there is no table of ours$/,
  },
  { title: "that only watches", over: { mode: "observe", probe: null }, state: "observing", words: /blocks nothing/ },
  {
    title: "without rules yet",
    over: { revision: { wanted: "aa", due: "aa", applied: null } },
    state: "starting",
    words: /no rules/,
  },
  {
    title: "on which break-glass is on",
    over: { open: true, revision: { wanted: "aa", due: "aa", applied: null } },
    state: "open",
    words: /break-glass is on/,
  },
  {
    title: "behind",
    over: { revision: { wanted: "bb", due: "bb", applied: "aa" } },
    state: "behind",
    words: /bb is wanted, aa/,
  },
  {
    title: "that the roll-out holds back",
    over: { revision: { wanted: "bb", due: "aa", applied: "aa" } },
    state: "behind",
    words: /the roll-out holds it back/,
  },
  { title: "refused by the kernel", over: { failure: "nft: no" }, state: "failing", words: /applied: nft: no$/ },
  {
    title: "nobody heard of",
    over: { writtenAt: now - 180_000 },
    state: "silent",
    words: /^no news for 3 m: is sluice running\?$/,
  },
  {
    title: "that stopped long ago",
    over: { stoppedAt: now - 7_200_000 },
    state: "stopped",
    words: /^sluice stopped 2 h ago$/,
  },
];

describe("bin/node-status", () => {
  for (const { title, over, state, words } of cases)
    it(`judges a node ${title} ${state}`, () => {
      const judged = judgeNode(status(over), now);
      assert.equal(judged.state, state);
      assert.match(judged.words, words);
    });
});

describe("bin/commands, sluice node status", function () {
  this.timeout(10_000);
  let data = "";
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), "sluice-status-"));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));
  const ask = async (...args: readonly string[]) => {
    const rim = new FakeRim();
    const text = await run(nodeCommand, rim, "status", "--data-folder", data, ...args);
    return { text, code: rim.code, notes: rim.notes };
  };

  it("shows what the running process wrote, and ends with 0 where all is well", async () => {
    await writeStatus(data, status());
    const { text, code } = await ask();
    assert.match(
      text,
      /NODE +STATE +MODE .*\nnode-1 +✓ enforcing +enforce +aa +65 s ago +12 +200 +50 +1000 +1 +0 +proven/,
    );
    assert.equal(code, 0);
  });

  it("ends with 3 where a node is not well, and tells of the others as well", async () => {
    await writeStatus(data, status());
    await writeStatus(data, status({ node: "node-2", writtenAt: now - 180_000 }));
    const { text, code } = await ask();
    assert.match(text, /node-2 +! silent .*no news for 3 m: is sluice running\?/);
    assert.match(text, /node-1 +✓/);
    assert.equal(code, 3);
    assert.equal((await ask("--node", "node-1")).code, 0);
  });

  it("prints times, state and reason for programs", async () => {
    await writeStatus(data, status());
    const [object] = JSON.parse((await ask("-o", "json")).text) as Record<string, unknown>[];
    assert.deepEqual(
      [object?.["state"], object?.["reason"], object?.["writtenAt"], object?.["size"]],
      ["enforcing", "proven 4 s ago", "2023-11-14T22:14:18.000Z", { rules: 200, sets: 50, elements: 1_000 }],
    );
  });

  it("says that nothing was ever told, which is not well", async () => {
    const { notes, code } = await ask();
    assert.match(notes.join(), /has "sluice up" run there/);
    assert.equal(code, 3);
  });

  it("names a file that holds something else", async () => {
    mkdirSync(join(data, "status"));
    writeFileSync(join(data, "status", "x.json"), "{}");
    await assert.rejects(ask(), /x\.json holds something else than node-status/);
  });

  it("is written in one piece that anybody may read, under the node's name only", async () => {
    await writeStatus(data, status());
    assert.deepEqual(readdirSync(join(data, "status")), ["node-1.json"]);
    assert.equal(statSync(join(data, "status", "node-1.json")).mode & 0o777, 0o644);
    assert.deepEqual(await readStatuses(data), [status()]);
    await assert.rejects(async () => writeStatus(data, status({ node: "../x" })), /is no name of a node/);
  });
});

import assert from "node:assert/strict";
import { plainLog } from "../../../core/log.ts";
import { FindingsWatch } from "../../../enforcer/tamper/findings-watch.ts";
import type { News } from "../../../enforcer/tamper/news.ts";
import { FakeClock, settled } from "../../support/fake-clock.ts";

const clean = JSON.stringify({ nftables: [] });
const dropping = JSON.stringify({
  nftables: [
    {
      chain: {
        family: "ip",
        table: "x",
        name: "in",
        handle: 1,
        type: "filter",
        hook: "input",
        prio: 0,
        policy: "drop",
      },
    },
  ],
});
const culprit = {
  pid: 1,
  program: "x",
  commandLine: null,
  uid: null,
  user: null,
  login: null,
  container: null,
  ancestors: [],
};
const changed: News = {
  ...{ kind: "foreign", at: 0, after: 0, culprit, localPid: 1, events: [], omitted: 0, touchesOthers: true },
};

describe("enforcer/tamper/findings-watch", () => {
  let [clock, stop, lines]: [FakeClock, AbortController, string[]] = [new FakeClock(), new AbortController(), []];
  let [listings, listing]: [number, () => Promise<string>] = [0, () => Promise.resolve(clean)];
  let watch: FindingsWatch;
  beforeEach(async () => {
    [clock, stop, lines, listings, listing] = [
      new FakeClock(),
      new AbortController(),
      [],
      0,
      () => Promise.resolve(clean),
    ];
    watch = new FindingsWatch({
      node: "node-1",
      listing: {
        all: () => {
          listings++;
          return listing();
        },
      },
      ipv6: () => false,
      clock,
      log: plainLog("info", (line) => lines.push(line)),
    });
    void watch.run(stop.signal);
    await settled();
  });
  afterEach(() => stop.abort());
  const kinds = () => watch.findings.map(({ kind }) => kind);

  it("looks at the start, and then only when others change something", async () => {
    await clock.advance(600_000);
    assert.equal(listings, 1);
    listing = () => Promise.resolve(dropping);
    watch.take(changed);
    await settled();
    assert.deepEqual([listings, kinds()], [2, ["drop"]]);
  });

  it("looks seldom where others change their rules all the time", async () => {
    for (let round = 0; round < 600; round++) {
      watch.take(changed);
      await clock.advance(100);
    }
    assert.ok(listings <= 13, `${listings} times in a minute`);
  });

  it("tells a finding when it appears and when it is gone, once each", async () => {
    listing = () => Promise.resolve(dropping);
    for (const text of [dropping, dropping, clean, clean]) {
      listing = () => Promise.resolve(text);
      watch.take(changed);
      await clock.advance(10_000);
    }
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", /^sluice: warn: table ip x, chain in: drops by policy/);
    assert.match(lines[1] ?? "", /^sluice: no longer: table ip x, chain in: drops by policy/);
  });

  it("keeps what it knows when a listing fails, and says so", async () => {
    listing = () => Promise.resolve(dropping);
    watch.take(changed);
    await clock.advance(10_000);
    listing = () => Promise.reject(new Error("nft is busy"));
    watch.take(changed);
    await clock.advance(10_000);
    assert.deepEqual(kinds(), ["drop"]);
    assert.match(lines.at(-1) ?? "", /could not be listed .*nft is busy/);
  });

  it("tells of sysctls as they change", () => {
    watch.take({ kind: "sysctls", values: { "net.ipv4.ip_forward": "1" } });
    assert.deepEqual(kinds(), []);
    watch.take({ kind: "sysctls", values: { "net.ipv4.ip_forward": "0" } });
    assert.deepEqual(kinds(), ["sysctl"]);
    assert.match(lines.join(""), /net\.ipv4\.ip_forward = 0 \(it was 1\)/);
  });
});

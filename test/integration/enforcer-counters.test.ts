import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { systemClock } from "../../core/clock.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { KernelProof } from "../../enforcer/proof-kernel.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";

describe("counters of this machine's kernel", function () {
  this.timeout(30_000);
  needsKernel("nft");
  let name = "";
  const proof = new KernelProof();
  const counters = () => proof.in(namespacePath(name)).counters();
  before(() => {
    name = makeNamespace("counters");
  });
  after(async () => {
    await proof.close();
    if (name !== "") deleteNamespace(name);
  });
  const load = (text: string) =>
    execFileSync("ip", ["netns", "exec", name, "nft", "-f", "-"], { input: text, encoding: "utf8" });

  it("are none where there is no table", async () => assert.deepEqual(await counters(), new Map()));

  it("are read by name with packets and bytes, ours only", async () => {
    load(
      [
        "add table inet other",
        "add counter inet other r_00000000000000ff packets 9 bytes 9",
        "add table inet sluice",
        "add counter inet sluice r_0000000000000001",
        "add counter inet sluice r_0000000000000002 packets 7 bytes 9007199254740993",
        "add chain inet sluice out { type filter hook output priority 0 ; }",
        'add rule inet sluice out ip daddr 127.0.0.2 counter name "r_0000000000000001"',
      ].join("\n"),
    );
    runIn(name, "bash", "-c", "for n in 1 2 3; do echo -n abcd > /dev/udp/127.0.0.2/9; done");
    assert.deepEqual(
      [...(await counters())],
      [
        ["r_0000000000000001", { packets: 3, bytes: 3 * 32 }],
        ["r_0000000000000002", { packets: 7, bytes: Number.MAX_SAFE_INTEGER }],
      ],
    );
  });

  it("are all read where there are 10,000", async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `r_${index.toString(16).padStart(16, "0")}`);
    runIn(name, "nft", "flush ruleset");
    load(["add table inet sluice", ...names.map((each) => `add counter inet sluice ${each}`)].join("\n"));
    const started = systemClock.monotonic();
    const found = await counters();
    console.log(`        10,000 counters in ${Math.round(systemClock.monotonic() - started)} ms`);
    assert.equal(found.size, 10_000);
  });
});

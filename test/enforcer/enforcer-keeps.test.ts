import assert from "node:assert/strict";
import { SluiceError } from "../../core/errors.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { diff } from "../../enforcer/diff.ts";
import { Enforcer } from "../../enforcer/enforcer.ts";
import { openRuleset } from "../../enforcer/fixed-rulesets.ts";
import type { Keeper } from "../../enforcer/kept-file.ts";
import type { KeptRuleset } from "../../enforcer/kept-ruleset.ts";
import { enforcedPart, modesOf } from "../../enforcer/modes.ts";
import { defaultSettings, render } from "../../enforcer/render.ts";
import { World } from "../../policy/world.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { NftMemory } from "../support/nft-memory.ts";
import { instruction, type ProgramBuilder, program } from "../support/program.ts";
import { viewOf } from "../support/render-all.ts";

const worldWith = (...members: readonly string[]): ProgramBuilder =>
  program()
    .addresses("friends", ...members)
    .block("b", instruction(1, "allow", { field: "destination", in: "friends" as never, not: false }))
    .class("c", { egress: [[["b"], instruction(2, "deny")]] })
    .pod("web", "a", ["10.1.0.1"], "c");

/** Keeps in memory, and what it is told in the order in which it is. */
class FakeKeeper implements Keeper {
  settled = true;
  kept: KeptRuleset | Error | undefined;
  inForce: () => KeptRuleset | undefined = () => undefined;
  unsettled = 0;
  load = () => (this.kept instanceof Error ? Promise.reject(this.kept) : Promise.resolve(this.kept));
  isSettled = () => Promise.resolve(this.settled);
  keep = (inForce: () => KeptRuleset | undefined) => {
    this.inForce = inForce;
  };
  unsettle = () => {
    this.unsettled += 1;
    return Promise.resolve();
  };
}

class Bench {
  readonly keeper = new FakeKeeper();
  readonly nft = new NftMemory();
  readonly links = { behind: viewOf(worldWith().placement(), "a").interfaces, own: new Map() };
  readonly enforcer = new Enforcer({
    ...{ node: "a", nft: this.nft, interfaces: { read: () => Promise.resolve(this.links) }, clock: new FakeClock() },
    ...{ log: silentLog, settings: defaultSettings, random: () => 0, keeper: this.keeper },
  });

  begin(): void {
    void this.enforcer.run(new AbortController().signal);
  }

  async want(world: ProgramBuilder, open = false): Promise<void> {
    this.enforcer.update(world.program(), world.placement(), { podCidrs: [], open });
    await settled();
  }

  desired(world: ProgramBuilder) {
    return render(world.program(), world.placement(), { ...viewOf(world.placement(), "a") }).ruleset;
  }

  /** An earlier process had this in force, and wrote it down. */
  async left(world: ProgramBuilder): Promise<void> {
    const ruleset = this.desired(world);
    await this.nft.apply(diff(undefined, ruleset));
    this.keeper.kept = { node: "a", revision: "0", ruleset };
  }

  get isReplaced(): boolean {
    return this.nft.applied.slice(1).some((transaction) => transaction.some(({ verb }) => verb === "delete-table"));
  }
}

describe("what an enforcer keeps", () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.enforcer.stop({ leaveRules: true }));

  it("is what is in force, with its revision", async () => {
    bench.begin();
    await bench.want(worldWith("10.1.0.2"));
    assert.deepEqual(bench.keeper.inForce(), {
      node: "a",
      revision: "0",
      ruleset: bench.desired(worldWith("10.1.0.2")),
    });
  });

  it("is nothing while the kernel refuses what is wanted", async () => {
    bench.begin();
    await bench.want(worldWith());
    const no = () => new SluiceError("NFT_FAILED", "nft: no");
    bench.nft.failures.push(no(), no(), no());
    await bench.want(worldWith("10.1.0.2"));
    assert.equal(bench.keeper.inForce(), undefined);
  });

  it("is taken over, with what differs and nothing else", async () => {
    await bench.left(worldWith("10.1.0.2"));
    bench.begin();
    await bench.want(worldWith("10.1.0.2", "10.1.0.3"));
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2", "10.1.0.3")));
    assert.equal(bench.isReplaced, false);
    assert.equal(bench.keeper.unsettled, 0);
  });

  for (const { title, spoil } of [
    { title: "base chains may be others", spoil: { settled: false } },
    { title: "nothing was kept", spoil: { kept: undefined } },
    {
      title: "it is damaged",
      spoil: { kept: new SluiceError("LAST_GOOD_INVALID", "damaged") },
    },
  ])
    it(`is replaced in one transaction where ${title}`, async () => {
      await bench.left(worldWith("10.1.0.2"));
      Object.assign(bench.keeper, spoil);
      bench.begin();
      await bench.want(worldWith("10.1.0.2"));
      assert.equal(bench.isReplaced, true);
      assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
      assert.equal(bench.keeper.unsettled, 1);
    });

  it("is removed at the end also if nothing of it was other than wanted", async () => {
    await bench.left(worldWith("10.1.0.2"));
    bench.begin();
    await bench.want(worldWith("10.1.0.2"));
    await bench.enforcer.stop({ leaveRules: false });
    assert.equal(bench.nft.ruleset, undefined);
  });

  it("is not looked at again after the first turn", async () => {
    bench.begin();
    await bench.want(worldWith());
    bench.keeper.kept = new SluiceError("LAST_GOOD_INVALID", "nobody may ask");
    await bench.nft.apply([{ verb: "delete-table" }]);
    await bench.want(worldWith("10.1.0.2"));
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
  });
});

describe("an enforcer that is told to let everything pass", () => {
  const bench = new Bench();
  after(() => bench.enforcer.stop({ leaveRules: true }));

  it("replaces its rules by such as deny nothing, says so, and goes back when it is told to", async () => {
    bench.begin();
    await bench.want(worldWith());
    await bench.want(worldWith(), true);
    assert.deepEqual(bench.nft.ruleset, openRuleset);
    assert.deepEqual([bench.enforcer.status.open, bench.enforcer.status.revision], [true, null]);
    await bench.want(worldWith("10.1.0.2"), true);
    assert.deepEqual(bench.nft.ruleset, openRuleset);
    await bench.want(worldWith("10.1.0.2"));
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    assert.deepEqual([bench.enforcer.status.open, bench.enforcer.status.revision], [false, "0"]);
  });

  it("goes back to what policy says of a pod that came meanwhile", async () => {
    const { nft, enforcer } = new Bench();
    const world = new World();
    const put = (object: KubeObject) => world.apply([{ type: "upsert", object }]);
    const isOpen = { node: true };
    const settings = { mode: "enforce", observedNodes: [], observedNamespaces: [], enforcedNamespaces: [] } as const;
    const want = async () => {
      const placement = enforcedPart(
        world.placement(),
        modesOf(settings, () => isOpen.node),
      );
      enforcer.update(world.program(), placement, { podCidrs: [], open: isOpen.node });
      await settled();
      return placement;
    };
    put({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { namespace: "n", name: "closed" },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    });
    void enforcer.run(new AbortController().signal);
    await want();
    put({
      ...{ apiVersion: "v1", kind: "Pod", metadata: { namespace: "n", name: "p" }, spec: { nodeName: "a" } },
      status: { podIP: "10.1.0.1" },
    });
    await want();
    isOpen.node = false;
    const placement = await want();
    const interfaces = viewOf(worldWith().placement(), "a").interfaces;
    const view = { node: "a", interfaces, podCidrs: [], settings: defaultSettings };
    assert.deepEqual(nft.ruleset, render(world.program(), placement, view).ruleset);
    await enforcer.stop({ leaveRules: true });
  });
});

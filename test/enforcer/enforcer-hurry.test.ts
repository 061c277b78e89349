import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { Enforcer } from "../../enforcer/enforcer.ts";
import type { Keeper } from "../../enforcer/kept-file.ts";
import { defaultSettings } from "../../enforcer/render.ts";
import { nameOf } from "../../enforcer/ruleset.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { NftMemory } from "../support/nft-memory.ts";
import { instruction, type ProgramBuilder, program } from "../support/program.ts";
import { rulesetOf, viewOf } from "../support/render-all.ts";

const world = (...addresses: readonly string[]): ProgramBuilder =>
  program()
    .block("b", instruction(1, "allow"))
    .class("c", { egress: [[["b"], instruction(2, "deny")]] })
    .pod("first", "a", ["10.1.0.1"], "c")
    .pod("second", "a", addresses, "c");
const [expected, come] = [world(), world("10.1.0.2")];

describe("an enforcer in a hurry", () => {
  const [nft, clock] = [new NftMemory(), new FakeClock()];
  let unsettled = 0;
  const keeper: Keeper = {
    load: () => Promise.resolve(undefined),
    isSettled: () => Promise.resolve(false),
    keep: () => {},
    unsettle: () => {
      unsettled += 1;
      return Promise.resolve();
    },
  };
  const interfaces = { read: () => Promise.resolve(links) };
  const links = { behind: viewOf(come.placement(), "a").interfaces, own: new Map() };
  const enforcer = new Enforcer({
    ...{ node: "a", nft, interfaces, clock, log: silentLog, settings: defaultSettings, random: () => 0, keeper },
  });
  const want = async (world: ProgramBuilder) => {
    enforcer.update(world.program(), world.placement(), { podCidrs: [] });
    await settled();
  };
  const isInMaps = () => nft.ruleset?.maps.get(nameOf("egress4"))?.entries.has("10.1.0.2" as never);

  before(() => void enforcer.run(new AbortController().signal));
  after(() => enforcer.stop({ leaveRules: true }));

  it("lets a pod that was expected into the room of its class", async () => {
    await want(expected);
    await want(come);
    assert.deepEqual([isInMaps(), nft.applied.length], [false, 2]);
    assert.equal(enforcer.status.revision, "0");
  });

  it("puts it into the maps after two quiet seconds, as if there had been no hurry", async () => {
    await clock.advance(1_900);
    assert.equal(isInMaps(), false);
    await clock.advance(200);
    assert.deepEqual(nft.ruleset, rulesetOf(come.program(), come.placement(), "a"));
  });

  it("does not need to write down that base chains are about to change", () => assert.equal(unsettled, 1));

  it("does no more than that", async () => {
    const { length } = nft.applied;
    await clock.advance(5_000);
    assert.equal(nft.applied.length, length);
  });

  it("does not wait for quiet longer than ten seconds", async () => {
    await want(expected);
    await want(come);
    for (let second = 0; second < 9; second++) {
      await clock.advance(1_000);
      await want(world("10.1.0.2"));
      assert.equal(isInMaps(), false);
    }
    await clock.advance(1_100);
    assert.equal(isInMaps(), true);
  });
});

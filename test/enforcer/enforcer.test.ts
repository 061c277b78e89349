import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import { addressElement, concatenation, interfaceElement } from "../../enforcer/element.ts";
import { Enforcer, type Repair } from "../../enforcer/enforcer.ts";
import type { Links } from "../../enforcer/interfaces.ts";
import { defaultSettings, render } from "../../enforcer/render.ts";
import { nameOf, type Transaction } from "../../enforcer/ruleset.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { interfaceOf } from "../support/journey.ts";
import { NftMemory } from "../support/nft-memory.ts";
import { instruction, type ProgramBuilder, program } from "../support/program.ts";
import { viewOf } from "../support/render-all.ts";
import { elementEvent, namedEvent, ruleEvent } from "./tamper/world.ts";

const web = parseAddress("10.1.0.1");
const binding = concatenation(interfaceElement(interfaceOf(web)), addressElement(web));
const facts = { podCidrs: [] };
const refused = () => new SluiceError("NFT_FAILED", "nft: no");

/** One pod; `member` is in the set that its only rule looks into. */
function worldWith(...members: string[]): ProgramBuilder {
  return program()
    .addresses("friends", ...members)
    .block("b", instruction(1, "allow", { field: "destination", in: "friends" as never, not: false }))
    .class("c", { egress: [[["b"], instruction(2, "deny")]] })
    .pod("web", "a", ["10.1.0.1"], "c");
}

class Bench {
  readonly nft = new NftMemory({ remembers: true });
  readonly clock = new FakeClock();
  readonly stop = new AbortController();
  readonly repairs: Repair[] = [];
  links: Links = { behind: viewOf(worldWith().placement(), "a").interfaces, own: new Map() };
  readonly enforcer = new Enforcer({
    node: "a",
    nft: this.nft,
    interfaces: { read: () => Promise.resolve(this.links) },
    clock: this.clock,
    log: silentLog,
    settings: defaultSettings,
    random: () => 0,
    onRepair: (repair) => this.repairs.push(repair),
  });

  constructor(...failures: SluiceError[]) {
    this.nft.failures.push(...failures);
    void this.enforcer.run(this.stop.signal);
  }

  async want(world: ProgramBuilder): Promise<void> {
    this.enforcer.update(world.program(), world.placement(), facts);
    await settled();
  }

  desired(world: ProgramBuilder) {
    const view = { ...viewOf(world.placement(), "a"), interfaces: this.links.behind };
    return render(world.program(), world.placement(), view).ruleset;
  }
}

describe("the enforcer", () => {
  let bench: Bench;
  afterEach(() => bench.enforcer.stop({ leaveRules: true }));

  it("writes nothing before it knows what is wanted", async () => {
    bench = new Bench();
    await bench.clock.advance(10_000);
    assert.equal(bench.nft.ruleset, undefined);
  });

  it("replaces whatever an earlier run left by the first ruleset, in one transaction", async () => {
    bench = new Bench();
    await bench.nft.apply([
      { verb: "add-table" },
      { verb: "add-chain", chain: { name: nameOf("leftover"), base: null } },
    ]);
    await bench.want(worldWith("10.1.0.2"));
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    assert.equal(bench.nft.applied.length, 2);
  });

  it("sends one element when one member comes", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    await bench.want(worldWith("10.1.0.2", "10.1.0.3"));
    const [command, ...others] = bench.nft.applied.at(-1) ?? [];
    assert.deepEqual([command?.verb, others.length], ["add-elements", 0]);
    assert.ok(command?.verb === "add-elements");
    assert.deepEqual(command.elements, ["10.1.0.3"]);
  });

  it("sends nothing when an update changes nothing", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    await bench.want(worldWith("10.1.0.2"));
    assert.equal(bench.nft.applied.length, 1);
  });

  it("carries out only the newest of several updates", async () => {
    bench = new Bench();
    for (const last of [2, 3, 4, 5]) void bench.want(worldWith(`10.1.0.${last}`));
    await settled();
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.5")));
    assert.ok(bench.nft.applied.length <= 2);
  });

  it("binds a pod to its interface once the kernel has a route to it", async () => {
    bench = new Bench();
    const links = bench.links;
    bench.links = { ...links, behind: new Map() };
    await bench.want(worldWith());
    assert.equal(bench.nft.ruleset?.sets.get(nameOf("bindings4"))?.elements.size, 0);
    bench.links = links;
    await bench.clock.advance(1_000);
    assert.equal(bench.nft.ruleset?.sets.get(nameOf("bindings4"))?.elements.size, 1);
  });

  it("replaces everything when the kernel refuses a change", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.failures.push(refused());
    await bench.want(worldWith("10.1.0.3"));
    assert.deepEqual(bench.nft.applied.at(-1)?.slice(0, 2), [{ verb: "add-table" }, { verb: "delete-table" }]);
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.3")));
    assert.equal(bench.enforcer.status.failed, 1);
  });

  it("keeps the last good rules while the kernel refuses everything, and tries again later", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.failures.push(refused(), refused(), refused());
    await bench.want(worldWith("10.1.0.3"));
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    assert.equal(bench.enforcer.status.failure, "nft: no");
    await bench.clock.advance(1_000);
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.3")));
    assert.equal(bench.enforcer.status.failure, null);
  });

  const damages: readonly { readonly title: string; readonly transaction: Transaction }[] = [
    { title: "the table is gone", transaction: [{ verb: "delete-table" }] },
    {
      title: "a chain was emptied",
      transaction: [{ verb: "flush-chain", chain: nameOf("egress_forward") }],
    },
    {
      title: "an element is gone",
      transaction: [{ verb: "delete-elements", set: nameOf("bindings4"), elements: [binding] }],
    },
    {
      title: "an address was let out of its policy",
      transaction: [{ verb: "delete-entries", map: nameOf("egress4"), keys: [addressElement(web)] }],
    },
    {
      title: "a chain was added",
      transaction: [{ verb: "add-chain", chain: { name: nameOf("foreign"), base: null } }],
    },
  ];
  for (const { title, transaction } of damages)
    it(`puts the table right within seconds where ${title}`, async () => {
      bench = new Bench();
      await bench.want(worldWith("10.1.0.2"));
      await bench.nft.apply(transaction);
      await bench.clock.advance(11_000);
      assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
      assert.equal(bench.enforcer.status.repaired, 1);
    });

  const flushed = { events: [ruleEvent("egress_forward", 7, true)], omitted: 0 };
  const base = nameOf("egress_forward");

  it("undoes at once what it is told that others did, by as little as will do", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.tamper([{ verb: "flush-chain", chain: base }]);
    assert.equal(bench.enforcer.disturbed(flushed), true);
    await settled();
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    assert.deepEqual(
      bench.nft.applied.at(-1)?.map(({ verb }) => verb),
      ["flush-chain", "add-rules"],
    );
    const [repair] = bench.repairs;
    assert.deepEqual([repair?.tamperings, repair?.commands, repair?.at], [[flushed], 2, bench.clock.now()]);
  });

  it("writes everything anew where that is the least", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.tamper([{ verb: "delete-table" }]);
    bench.enforcer.disturbed({ events: [namedEvent("chain", "egress_forward", true)], omitted: 0 });
    await settled();
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    assert.deepEqual([bench.repairs.length, bench.repairs[0]?.commands], [1, null]);
    assert.deepEqual([bench.nft.rewritten, bench.nft.applied.length], [1, 1]);
  });

  it("tells everything again where what was told is not remembered, or refused now", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.tamper([{ verb: "delete-table" }]);
    bench.nft.failures.push(refused());
    bench.enforcer.disturbed({ events: [namedEvent("chain", "egress_forward", true)], omitted: 0 });
    await settled();
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    assert.deepEqual([bench.repairs[0]?.commands, bench.nft.rewritten, bench.nft.applied.length], [null, 0, 2]);
  });

  it("writes again what was wanted last, and then what is wanted now", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.tamper([{ verb: "delete-table" }]);
    bench.enforcer.disturbed({ events: [], omitted: 1 });
    await bench.want(worldWith("10.1.0.2", "10.1.0.3"));
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2", "10.1.0.3")));
    assert.deepEqual([bench.nft.rewritten, bench.nft.applied.length], [1, 2]);
  });

  it("writes everything anew where the kernel refuses the least", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.tamper([{ verb: "flush-chain", chain: base }]);
    bench.nft.failures.push(refused());
    bench.enforcer.disturbed(flushed);
    await settled();
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    assert.equal(bench.repairs.length, 1);
  });

  it("tells of a repair only when it has succeeded, however late", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.tamper([{ verb: "flush-chain", chain: base }]);
    bench.nft.failures.push(refused(), refused(), refused());
    bench.enforcer.disturbed(flushed);
    await settled();
    assert.deepEqual(bench.repairs, []);
    await bench.clock.advance(1_000);
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    assert.deepEqual(
      bench.repairs.map(({ tamperings, commands }) => [tamperings, commands]),
      [[[flushed], null]],
    );
  });

  it("repairs once what is told of in one go", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    const before = bench.nft.applied.length;
    bench.nft.tamper([{ verb: "flush-chain", chain: base }]);
    bench.nft.tamper([{ verb: "delete-elements", set: nameOf("bindings4"), elements: [binding] }]);
    bench.enforcer.disturbed(flushed);
    bench.enforcer.disturbed({ ...flushed, events: [namedEvent("set", "bindings4", true)] });
    await settled();
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
    const { applied, rewritten } = bench.nft;
    assert.deepEqual([applied.length - before, rewritten, bench.repairs.length], [0, 1, 1]);
  });

  it("is not disturbed before there are rules of its own", async () => {
    bench = new Bench();
    assert.equal(bench.enforcer.disturbed(flushed), false);
    await bench.want(worldWith("10.1.0.2"));
    assert.deepEqual([bench.nft.applied.length, bench.repairs.length], [1, 0]);
  });

  it("has nothing to do about an element that came and went", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    const events = [false, true].map((gone) => elementEvent("egress4", [10, 9, 9, 9], gone));
    bench.enforcer.disturbed({ events, omitted: 0 });
    await settled();
    assert.equal(bench.repairs[0]?.commands, 0);
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.2")));
  });

  it("tells what a look at the table found, and when it was last whole", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    await bench.clock.advance(11_000);
    const whole = bench.clock.now();
    await bench.nft.apply([{ verb: "delete-table" }]);
    await bench.clock.advance(11_000);
    const [repair] = bench.repairs;
    assert.equal(repair?.damage, "the table is gone");
    assert.ok((repair?.wholeAt ?? 0) <= whole && (repair?.wholeAt ?? 0) > whole - 11_000);
  });

  it("does not believe a listing that lacks elements for a moment", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    bench.nft.listings.push(undefined);
    await bench.clock.advance(11_000);
    assert.deepEqual([bench.nft.listings.length, bench.repairs.length, bench.nft.applied.length], [0, 0, 1]);
  });

  it("leaves a whole table alone", async () => {
    bench = new Bench();
    await bench.want(worldWith("10.1.0.2"));
    await bench.clock.advance(60_000);
    assert.deepEqual([bench.nft.applied.length, bench.enforcer.status.repaired], [1, 0]);
  });

  it("pauses longer with every failure", async () => {
    bench = new Bench(...Array.from({ length: 100 }, refused));
    await bench.want(worldWith());
    await bench.clock.advance(60_000);
    assert.ok(bench.enforcer.status.failed < 15, `${bench.enforcer.status.failed} tries in a minute`);
  });

  it("tries an update at once, whatever the pause", async () => {
    bench = new Bench(...Array.from({ length: 8 }, refused));
    await bench.want(worldWith());
    await bench.clock.advance(20_000);
    bench.nft.failures.length = 0;
    await bench.want(worldWith("10.1.0.9"));
    assert.deepEqual(bench.nft.ruleset, bench.desired(worldWith("10.1.0.9")));
  });

  it("leaves the rules in force when told so", async () => {
    bench = new Bench();
    await bench.want(worldWith());
    await bench.enforcer.stop({ leaveRules: true });
    assert.notEqual(bench.nft.ruleset, undefined);
  });

  it("removes its table when told so", async () => {
    bench = new Bench();
    await bench.want(worldWith());
    await bench.enforcer.stop({ leaveRules: false });
    assert.equal(bench.nft.ruleset, undefined);
  });

  it("tells what it enforces", async () => {
    bench = new Bench();
    await bench.want(worldWith());
    const { revision, applied, failed, problems } = bench.enforcer.status;
    assert.deepEqual({ revision, applied, failed, problems }, { revision: "0", applied: 1, failed: 0, problems: [] });
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import type { Connection } from "../../enforcer/conntrack.ts";
import { Enforcer } from "../../enforcer/enforcer.ts";
import type { Links } from "../../enforcer/interfaces.ts";
import { defaultSettings } from "../../enforcer/render.ts";
import { revokedSets } from "../../enforcer/revoked-chain.ts";
import { Revoker } from "../../enforcer/revoker.ts";
import { emptyRuleset, nameOf } from "../../enforcer/ruleset.ts";
import { arbitraryPacket, arbitraryProgram, nodes } from "../support/arbitrary-program.ts";
import { connection, connectionOf } from "../support/connections.ts";
import { ConntrackMemory } from "../support/conntrack-memory.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { travel } from "../support/journey.ts";
import { NftMemory } from "../support/nft-memory.ts";
import { inSet, instruction, type ProgramBuilder, program } from "../support/program.ts";
import { renderAll, viewOf } from "../support/render-all.ts";
import { ruleEvent } from "./tamper/world.ts";

const web = "10.1.0.1";
const [friend, foe] = ["10.2.0.1", "10.2.0.2"];
const facts = { podCidrs: [parseCidr("10.1.0.0/24")] };
const failure = () => new SluiceError("NETLINK_FAILED", "no");

/** Pod web of node a may get from its friends alone. */
function worldWith(...friends: readonly string[]): ProgramBuilder {
  const builder = program()
    .addresses("friends", ...friends)
    .block("b", instruction(1, "allow", inSet("source", "friends")))
    .class("c", { ingress: [[["b"], instruction(2, "deny")]] })
    .pod("web", "a", [web], "c");
  // Who is in a set by his labels: an endpoint that changes with them.
  return [friend, foe].reduce(
    (made, address, index) => made.pod(`p${index}${friends.includes(address) ? "" : "x"}`, "b", [address]),
    builder,
  );
}

class Bench {
  readonly nft = new NftMemory();
  readonly conntrack = new ConntrackMemory("192.0.2.1");
  readonly clock = new FakeClock();
  readonly stop = new AbortController();
  readonly revoker = new Revoker({
    node: "a",
    nft: this.nft,
    conntrack: this.conntrack,
    clock: this.clock,
    log: silentLog,
    settings: defaultSettings,
  });
  readonly enforcer = new Enforcer({
    node: "a",
    nft: this.nft,
    interfaces: { read: () => Promise.resolve(this.links) },
    clock: this.clock,
    log: silentLog,
    settings: defaultSettings,
    random: () => 0,
    revoker: this.revoker,
  });
  readonly links: Links = { behind: viewOf(worldWith().placement(), "a").interfaces, own: new Map() };

  constructor() {
    void this.enforcer.run(this.stop.signal);
  }

  async want(builder: ProgramBuilder): Promise<void> {
    this.enforcer.update(builder.program(), builder.placement(), facts);
    await this.rest();
  }

  /** Until all is done and rested from. */
  async rest(): Promise<void> {
    await settled();
    await this.clock.advance(100);
    await settled();
  }

  open(from: string, to = `${web} 80`): Connection {
    const opened = connection({ from, to });
    this.conntrack.connections.add(opened);
    return opened;
  }

  get left(): readonly Connection[] {
    return [...this.conntrack.connections];
  }

  get refused(): readonly string[] {
    return [...(this.nft.ruleset?.sets.get(nameOf("revoked4"))?.elements ?? [])].sort();
  }
}

const looks = (from: string, port: number) =>
  [`${from} . ${web} . 6 . ${port} . 80`, `${web} . ${from} . 6 . 80 . ${port}`].sort();

describe("the revoker", () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.enforcer.stop({ leaveRules: true }));

  it("closes at the start what the rules would not let begin, and nothing else", async () => {
    const allowed = bench.open(`${friend} 1000`);
    bench.open(`${foe} 1000`);
    await bench.want(worldWith(friend));
    assert.deepEqual(bench.left, [allowed]);
    assert.deepEqual(bench.refused, looks(foe, 1000));
    assert.deepEqual([bench.enforcer.status.revoked, bench.enforcer.status.revokeFailures], [1, 0]);
  });

  it("refuses a connection's packets before the kernel forgets it", async () => {
    bench.open(`${foe} 1000`);
    const refused: number[] = [];
    const forget = bench.conntrack.delete.bind(bench.conntrack);
    bench.conntrack.delete = (some) => {
      refused.push(bench.refused.length);
      return forget(some);
    };
    await bench.want(worldWith(friend));
    assert.deepEqual(refused, [2]);
  });

  it("closes what a change of labels forbids", async () => {
    await bench.want(worldWith(friend, foe));
    const allowed = bench.open(`${friend} 1000`);
    bench.open(`${foe} 1000`);
    await bench.want(worldWith(friend));
    assert.deepEqual(bench.left, [allowed]);
  });

  it("does not read connections where a change concerns nobody", async () => {
    const builder = worldWith(friend);
    await bench.want(builder);
    const { lists } = bench.conntrack;
    await bench.want(builder);
    assert.equal(bench.conntrack.lists, lists);
  });

  it("lets the same connection begin again once a change allows it", async () => {
    bench.open(`${foe} 1000`);
    await bench.want(worldWith(friend));
    await bench.want(worldWith(friend, foe));
    assert.deepEqual(bench.refused, []);
    const again = bench.open(`${foe} 1000`);
    await bench.rest();
    assert.deepEqual(bench.left, [again]);
  });

  it("tries again what failed", async () => {
    await bench.want(worldWith(friend, foe));
    bench.open(`${foe} 1000`);
    bench.conntrack.failures.push(failure(), failure());
    await bench.want(worldWith(friend));
    await bench.clock.advance(1_000);
    assert.deepEqual([bench.left, bench.refused], [[], looks(foe, 1000)]);
    assert.deepEqual([bench.enforcer.status.revoked, bench.enforcer.status.revokeFailures], [1, 2]);
  });

  it("tries again where nft refuses the elements, and forgets no connection before", async () => {
    await bench.want(worldWith(friend, foe));
    bench.open(`${foe} 1000`);
    const apply = bench.nft.apply.bind(bench.nft);
    let refusals = 1;
    bench.nft.apply = (transaction) => {
      const isOurs = transaction.some((command) => command.verb === "add-elements" && /^revoked/.test(command.set));
      if (!isOurs || refusals-- <= 0) return apply(transaction);
      assert.equal(bench.left.length, 1);
      return Promise.reject(failure());
    };
    await bench.want(worldWith(friend));
    await bench.clock.advance(1_000);
    assert.deepEqual([bench.left, bench.refused], [[], looks(foe, 1000)]);
  });

  it("puts back what is refused where the table is made anew, in the same transaction", async () => {
    bench.open(`${foe} 1000`);
    await bench.want(worldWith(friend));
    await bench.nft.apply([{ verb: "delete-table" }]);
    const applied = bench.nft.applied.length;
    await bench.clock.advance(11_000);
    assert.deepEqual(bench.refused, looks(foe, 1000));
    const first = bench.nft.applied[applied];
    assert.ok(first?.some((command) => command.verb === "add-elements" && command.set === "revoked4"));
  });

  it("judges everything after a gap: what was opened while somebody had removed the rules", async () => {
    await bench.want(worldWith(friend));
    await bench.nft.apply([{ verb: "delete-table" }]);
    bench.open(`${foe} 1000`);
    await bench.clock.advance(11_000);
    assert.deepEqual([bench.left, bench.refused], [[], looks(foe, 1000)]);
  });

  it("judges everything after somebody had emptied a chain, which is mended without writing all anew", async () => {
    await bench.want(worldWith(friend));
    const chain = nameOf("ingress_forward");
    await bench.nft.apply([{ verb: "flush-chain", chain }]);
    bench.open(`${foe} 1000`);
    bench.enforcer.disturbed({ events: [ruleEvent(chain, 7, true)], omitted: 0 });
    await bench.rest();
    assert.deepEqual([bench.left, bench.refused], [[], looks(foe, 1000)]);
  });

  it("leaves alone what came to be allowed while it read", async () => {
    await bench.want(worldWith(friend, foe));
    bench.open(`${foe} 1000`);
    const list = bench.conntrack.list.bind(bench.conntrack);
    const reading = Promise.withResolvers<void>();
    bench.conntrack.list = (wanted) => reading.promise.then(() => list(wanted));
    await bench.want(worldWith(friend));
    await bench.want(worldWith(friend, foe));
    reading.resolve();
    await bench.rest();
    assert.deepEqual([bench.left.length, bench.refused], [1, []]);
  });

  it("closes what was opened under rules that were in force for a moment only", async () => {
    await bench.want(worldWith(friend));
    const list = bench.conntrack.list.bind(bench.conntrack);
    const reading = Promise.withResolvers<void>();
    bench.conntrack.list = async (wanted) => {
      const found = await list(wanted);
      await reading.promise;
      return found;
    };
    // What allows it, and what forbids it again, come while connections are read that were there before.
    const forbidding = worldWith();
    await bench.want(forbidding);
    await bench.want(worldWith(friend, foe));
    bench.open(`${foe} 1000`);
    await bench.want(forbidding);
    reading.resolve();
    await bench.clock.advance(11_000);
    assert.deepEqual(bench.left, []);
  });

  it("frees what is allowed again also while it rests from reading", async () => {
    bench.open(`${foe} 1000`);
    const list = bench.conntrack.list.bind(bench.conntrack);
    bench.conntrack.list = async (wanted) => {
      await bench.clock.sleep(1_000);
      return list(wanted);
    };
    await bench.want(worldWith(friend));
    await bench.clock.advance(1_500);
    assert.equal(bench.refused.length, 2);
    await bench.want(worldWith(friend, foe));
    assert.deepEqual(bench.refused, []);
  });

  it("rests after reading, so that pods that come and go without end do not keep it reading", async () => {
    await bench.want(worldWith(friend));
    const list = bench.conntrack.list.bind(bench.conntrack);
    bench.conntrack.list = async (wanted) => {
      await bench.clock.sleep(500);
      return list(wanted);
    };
    const { lists } = bench.conntrack;
    for (let change = 0; change < 100; change++) {
      await bench.want(change % 2 === 0 ? worldWith(friend, foe) : worldWith(friend));
      await bench.clock.advance(100);
    }
    // 20 seconds of changes, of which it may read for 2.
    assert.ok(bench.conntrack.lists - lists <= 5, `${bench.conntrack.lists - lists} times`);
  }).timeout(10_000);
});

describe("for random programs one after the other, the revoker", () => {
  it("leaves exactly those connections that the node's rules allow all along", async () => {
    const packets = fc.array(arbitraryPacket, { minLength: 10, maxLength: 30 });
    const [here] = nodes;
    const property = fc.asyncProperty(
      fc.array(arbitraryProgram, { minLength: 1, maxLength: 3 }),
      packets,
      async (builders, packets) => {
        const conntrack = new ConntrackMemory(...here.addresses);
        const nft = new NftMemory();
        const clock = new FakeClock();
        const stop = new AbortController();
        const options = { node: "a", nft, conntrack, clock, log: silentLog, settings: defaultSettings } as const;
        const revoker = new Revoker(options);
        const sets = ([4, 6] as const).flatMap(revokedSets);
        await nft.apply([
          { verb: "add-table" },
          ...sets.map(({ elements: _, ...set }) => ({ verb: "add-set", set }) as const),
        ]);
        const running = revoker.run(stop.signal);
        const distinct = new Map(packets.map((packet) => [JSON.stringify(packet), packet]));
        const all = new Map([...distinct.values()].map((packet) => [connectionOf(packet), packet]));
        for (const connection of all.keys()) conntrack.connections.add(connection);
        let survivors = [...all];
        for (const [index, builder] of builders.entries()) {
          const [program, placement] = [{ ...builder.program(), revision: String(index) }, builder.placement()];
          revoker.applied(
            { program, placement, podCidrs: here.podCidrs.map(parseCidr), links: { own: new Map() } },
            false,
          );
          await settled();
          await clock.advance(100);
          await settled();
          // What the other node's rules make of them is not this node's to carry out.
          const rulesets = renderAll(program, placement, nodes).set("b", emptyRuleset);
          survivors = survivors.filter(([, packet]) => travel(rulesets, placement, packet).action === "allow");
        }
        stop.abort();
        await running;
        assert.deepEqual(
          [...conntrack.connections],
          survivors.map(([connection]) => connection),
        );
      },
    );
    await fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 50) });
  }).timeout(60_000);
});

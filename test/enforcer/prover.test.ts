import assert from "node:assert/strict";
import { SluiceError } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import { probeCounter } from "../../enforcer/probe-rules.ts";
import type { ProbeSighting } from "../../enforcer/probe-sequence.ts";
import { type ProofStatus, Prover } from "../../enforcer/prover.ts";
import { FakeClock } from "../support/fake-clock.ts";

const name = probeCounter("allow", "egress", "forward");
const other = probeCounter("allow", "ingress", "forward");
const counts = (packets: number) => new Map([name, other].map((each) => [each, { packets, bytes: 0 }]));
const good: ProbeSighting = {
  before: counts(1),
  after: counts(2),
  sent: ["forward-allowed"],
  arrived: ["forward-allowed"],
};
const bad: ProbeSighting = { ...good, after: counts(1) };
const replaced: ProbeSighting = { ...good, after: counts(0) };

class Bench {
  readonly clock = new FakeClock();
  readonly told: ProofStatus["state"][] = [];
  readonly answers: (ProbeSighting | SluiceError)[];
  readonly stop = new AbortController();
  applied = true;
  probes = 0;
  readonly prover = new Prover({
    node: "a",
    proof: {
      probe: () => {
        this.probes += 1;
        const answer = this.answers.shift() ?? good;
        return answer instanceof SluiceError ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    clock: this.clock,
    log: silentLog,
    everyMs: 30_000,
    applied: () => this.applied,
    onChange: ({ state }) => void this.told.push(state),
  });

  /** In steps, as what happens in between begins waits of its own. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) await this.clock.advance(500);
  }

  constructor(...answers: readonly (ProbeSighting | SluiceError)[]) {
    this.answers = [...answers];
    void this.prover.run(this.stop.signal);
  }
}

describe("enforcer/prover", () => {
  let bench: Bench;
  afterEach(() => bench.stop.abort());

  it("probes at once and then from time to time, and does not speak of what is well", async () => {
    bench = new Bench();
    await bench.pass(61_000);
    assert.equal(bench.probes, 3);
    assert.deepEqual([bench.prover.status.state, bench.prover.status.probes, bench.told], ["enforcing", 3, []]);
  });

  it("does not probe before there are rules", async () => {
    bench = new Bench();
    bench.stop.abort();
    bench = new Bench();
    bench.applied = false;
    const before = bench.probes;
    await bench.pass(31_000);
    await bench.pass(60_000);
    assert.equal(bench.probes, before);
    bench.applied = true;
    await bench.pass(2_000);
    assert.ok(bench.probes > before);
  });

  it("believes a failure only if the next probe fails as well", async () => {
    bench = new Bench(good, bad, good);
    await bench.pass(32_000);
    assert.deepEqual([bench.prover.status.state, bench.told], ["enforcing", []]);
  });

  it("tells once that a node does not enforce, and once that it does again", async () => {
    bench = new Bench(good, bad, bad, bad, bad);
    await bench.pass(33_000);
    assert.equal(bench.prover.status.state, "not-enforceable");
    await bench.pass(120_000);
    assert.deepEqual(bench.told, ["not-enforceable", "enforcing"]);
    assert.equal(bench.prover.status.failures, 2);
  });

  it("draws no conclusion from rules that are being replaced", async () => {
    bench = new Bench(good, replaced, replaced, replaced, replaced);
    await bench.pass(62_000);
    assert.deepEqual([bench.prover.status.state, bench.prover.status.probes, bench.told], ["enforcing", 1, []]);
  });

  it("knows nothing where no probe can be sent, and says why", async () => {
    bench = new Bench(...Array.from({ length: 2 }, () => new SluiceError("NETLINK_FAILED", "there is no tun")));
    await bench.pass(31_000);
    const { state, detail, at } = bench.prover.status;
    assert.deepEqual([state, detail, at, bench.told], ["unknown", ["there is no tun"], null, []]);
  });
});

import assert from "node:assert/strict";
import { capturedConntrack } from "../../core/conntrack/captured-conntrack.ts";
import { rawFlow } from "../flows.ts";
import { mutate } from "./mutation.ts";
import { isEntry, isLoggedPacket } from "./naive-grammar.ts";
import { NetlinkTrial } from "./netlink-trial.ts";
import { faultOf } from "./record-fault.ts";

describe("messages of the kernel, changed at random", () => {
  it("give well-formed records or are refused, as the grammar has it (npm run fuzz -- netlink)", () => {
    const trial = new NetlinkTrial(20_261_130);
    for (let count = 0; count < 20_000; count++) trial.step();
    const { messages, entries, logged, refused, records } = trial.tally;
    assert.ok(messages > 20_000 && entries > 1_000 && logged > 1_000 && refused > 1_000 && records > 1_000);
  });

  it("are the same for the same seed", () => {
    const trials = [new NetlinkTrial(7), new NetlinkTrial(7), new NetlinkTrial(8)].map((trial) => {
      for (let count = 0; count < 10; count++) trial.step();
      return trial.datagram;
    });
    assert.equal(trials[0], trials[1]);
    assert.notEqual(trials[0], trials[2]);
  });
});

describe("what the fuzzer judges by", () => {
  const message = () => Buffer.from(capturedConntrack.tcpNewDnat, "hex");

  it("takes a message of the kernel for what it is", () => {
    assert.deepEqual([isEntry(message()), isLoggedPacket(message())], [true, false]);
  });

  it("refuses one that is cut off", () => {
    assert.equal(isEntry(message().subarray(0, 100)), false);
  });

  it("changes no byte beyond a message, and keeps its header", () => {
    const bytes = Buffer.concat([message(), Buffer.alloc(512, 0xaa)]);
    let state = 1;
    const below = (limit: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % limit;
    };
    for (let count = 0; count < 1_000; count++)
      assert.ok(mutate(bytes.subarray(0, message().length + 256), message().length, below) >= 16);
    assert.ok(bytes.subarray(message().length + 256).every((byte) => byte === 0xaa));
  });

  for (const { title, over } of [
    { title: "more in a window than in all", over: { packets: 7, totalPackets: 6 } },
    { title: "a count that is none", over: { totalBytes: Number.NaN } },
    { title: "a port that is none", over: { sourcePort: 65_536 } },
    { title: "a time that is none", over: { startedAt: -1 } },
    { title: "an end that nobody told how", over: { state: "closed" } },
  ] as const)
    it(`finds fault with a record of ${title}`, () => assert.notEqual(faultOf(rawFlow(over)), undefined));

  it("finds none with a good one", () => assert.equal(faultOf(rawFlow()), undefined));
});

import assert from "node:assert/strict";
import { Spool } from "../../../collectors/spool/spool.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { rawFlow } from "../../support/flows.ts";
import { MemoryDisk } from "./memory-disk.ts";

/** A spool on a disk that answers what it is asked to do later when the test says so. */
function held() {
  const disk = new MemoryDisk();
  const clock = new FakeClock();
  const answers: (() => void)[] = [];
  disk.later = (answer) => void answers.push(answer);
  const called: string[] = [];
  disk.failing = (call) => {
    called.push(call);
    return false;
  };
  const trouble: (string | null)[] = [];
  const spool = Spool.open({
    ...{ folder: "/spool", cluster: "c", node: "n", maxBytes: 1_048_576, maxAgeMs: 86_400_000, syncMs: 1000 },
    ...{ clock, disk, onLoss: assert.fail, onTrouble: (text) => trouble.push(text) },
  });
  let seq = 0;
  return {
    ...{ disk, clock, spool, answers, called, trouble },
    add: (count: number) => {
      const flows = Array.from({ length: count }, () =>
        rawFlow({ cluster: "c", node: "n", epoch: spool.epoch, seq: seq++ }),
      );
      spool.append({ flows, losses: [], heartbeats: [] });
    },
    /** A second passes. */
    tend: async () => {
      await clock.advance(1000);
      spool.tend();
    },
    /** The disk answers all it was asked, also what it is asked because of that. */
    answer: () => {
      for (let next = answers.shift(); next !== undefined; next = answers.shift()) {
        next();
        spool.tend();
      }
    },
  };
}

const segmentsOf = (disk: MemoryDisk) => [...disk.files.keys()].filter((path) => path.endsWith(".spool"));
const waits = (called: readonly string[]) => called.filter((call) => call === "sync" || call === "syncFolder");

describe("a spool on a disk that takes long to have what was written", () => {
  it("does not wait for it: not for records, nor for a segment's end, nor for what it remembers", async () => {
    const { spool, called, disk, add, tend } = held();
    called.length = 0;
    const saving = () => spool.savingStanding(() => [(writer, seq) => writer.flow(rawFlow({ seq }))]);
    for (let round = 0; round < 10; round++) {
      add(600);
      await tend();
      for (const _ of spool.standingDue ? saving() : []) break;
    }
    assert.ok(segmentsOf(disk).length > 5);
    assert.deepEqual(waits(called), []);
  });

  it("asks it for one thing at a time, and for what was written since when it has answered", async () => {
    const { add, tend, answers, answer, called } = held();
    for (let second = 0; second < 5; second++) {
      add(1);
      await tend();
    }
    assert.equal(answers.length, 1);
    answer();
    await tend();
    answer();
    assert.deepEqual(
      called.filter((call) => call === "syncLater"),
      ["syncLater", "syncLater"],
    );
    await tend();
    assert.equal(answers.length, 0);
  });

  it("keeps a segment's file until it is on the disk", async () => {
    const { disk, add, tend, answer } = held();
    for (let round = 0; round < 3; round++) add(600);
    assert.ok(disk.openFiles >= 3);
    await tend();
    answer();
    assert.ok(disk.openFiles <= 1);
  });

  it("removes segments only when what is acked has been saved", async () => {
    const { spool, disk, add, tend, answer } = held();
    for (let round = 0; round < 3; round++) add(600);
    const before = segmentsOf(disk).length;
    spool.saveStanding([]);
    spool.ack({ epoch: spool.epoch, seq: 1_799 });
    await tend();
    assert.equal(segmentsOf(disk).length, before);
    answer();
    assert.ok(segmentsOf(disk).length <= 1);
  });

  it("tells what it said if it refuses, and asks again", async () => {
    const { disk, add, tend, answer, answers, trouble } = held();
    add(1);
    await tend();
    disk.failing = (call) => call === "syncLater";
    answer();
    assert.deepEqual(trouble, ["EIO: syncLater"]);
    disk.failing = () => false;
    await tend();
    assert.equal(answers.length, 1);
    answer();
    await tend();
    assert.deepEqual([trouble.at(-1), answers.length], [null, 0]);
  });

  it("waits for all of it when the run ends in order", async () => {
    const { spool, disk, add, tend, called, answer } = held();
    for (let round = 0; round < 2; round++) add(600);
    await tend();
    called.length = 0;
    spool.close([rawFlow()]);
    assert.ok(waits(called).length >= 3);
    assert.deepEqual(
      called.filter((call) => call.endsWith("Later")),
      [],
    );
    answer();
    assert.equal(disk.openFiles, 0);
  });
});

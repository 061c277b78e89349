import assert from "node:assert/strict";
import { SluiceError } from "../../../core/errors.ts";
import { AskedWorker } from "../../../core/netlink/asked-worker.ts";

interface Question {
  readonly id: number;
  readonly say: string;
}
interface Answer {
  readonly id: number;
  readonly said: string;
}

/** Answers the second question before the first, and ends when it is told to. */
const script = `
import { parentPort } from "node:worker_threads";
let held;
parentPort.on("message", (question) => {
  if (question.say === "end") process.exit(0);
  if (question.say === "wait") { held = question; return; }
  for (const { id, say } of [question, ...(held ? [held] : [])]) parentPort.postMessage({ id, said: say });
});`;

const isGone = (error: unknown) =>
  error instanceof SluiceError && error.code === "NETLINK_FAILED" && error.message === "the thread that echoes ended";

describe("a worker that is asked", () => {
  const worker = () =>
    new AskedWorker<Question, Answer>(new URL(`data:text/javascript,${encodeURIComponent(script)}`), "echoes");

  it("answers each question, in whatever order", async () => {
    const asked = worker();
    const answers = await Promise.all([asked.ask({ say: "wait" }), asked.ask({ say: "now" })]);
    assert.deepEqual(
      answers.map(({ said }) => said),
      ["wait", "now"],
    );
    await asked.close();
  });

  it("refuses what it was asked when it ends, and what it is asked afterwards", async () => {
    const asked = worker();
    const open = asked.ask({ say: "wait" });
    await assert.rejects(asked.ask({ say: "end" }), isGone);
    await assert.rejects(open, isGone);
    await assert.rejects(asked.ask({ say: "now" }), isGone);
    assert.equal(asked.hasStarted, false);
  });

  it("that nobody asked needs no end", async () => {
    await worker().close();
  });
});

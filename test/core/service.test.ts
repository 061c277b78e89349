import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { silentLog } from "../../core/log.ts";
import { type Life, type Part, Service } from "../../core/service.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

const untilStopped = ({ stop }: Life) =>
  new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));

/** A part that is ready at once, stops when asked, and writes down what happens to it. */
const steady = (name: string, diary: string[] = []): Part => ({
  name,
  run: async (life) => {
    diary.push(`${name} starts`);
    life.ready();
    await untilStopped(life);
    diary.push(`${name} stops`);
  },
});

const part = (name: string, run: Part["run"]): Part => ({ name, run });

function service(...parts: Part[]) {
  const signals = new EventEmitter();
  const clock = new FakeClock();
  return { signals, clock, subject: new Service({ parts, signals, clock, log: silentLog, drainMs: 1_000 }) };
}

describe("core/service", () => {
  it("starts nothing before it is run", async () => {
    const diary: string[] = [];
    const { subject, signals } = service(steady("a", diary));
    await settled();
    assert.deepEqual(diary, []);
    assert.equal(signals.listenerCount("SIGTERM"), 0);
    assert.deepEqual(subject.health, { state: "starting", waitingFor: ["a"] });
  });

  it("is ready when every part is", async () => {
    const late = Promise.withResolvers<void>();
    const slow = part("slow", async (life) => {
      await late.promise;
      life.ready();
      await untilStopped(life);
    });
    const { subject, signals } = service(steady("quick"), slow);
    const code = subject.run();
    await settled();
    assert.deepEqual(subject.health, { state: "starting", waitingFor: ["slow"] });
    late.resolve();
    assert.equal(await subject.ready, true);
    assert.deepEqual(subject.health, { state: "ready", waitingFor: [] });
    signals.emit("SIGTERM", "SIGTERM");
    assert.equal(await code, 0);
  });

  it("is never ready when it stops before every part was", async () => {
    const { subject, signals } = service(part("never", untilStopped));
    const code = subject.run();
    signals.emit("SIGINT", "SIGINT");
    assert.equal(await subject.ready, false);
    assert.equal(await code, 0);
  });

  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    it(`stops all parts in order at the first ${name}, with exit code 0`, async () => {
      const diary: string[] = [];
      const { subject, signals } = service(steady("a", diary), steady("b", diary));
      const code = subject.run();
      signals.emit(name, name);
      assert.equal(await code, 0);
      assert.deepEqual(diary, ["a starts", "b starts", "a stops", "b stops"]);
      assert.equal(subject.health.state, "stopped");
    });

  for (const { name, code } of [
    { name: "SIGINT", code: 130 },
    { name: "SIGTERM", code: 143 },
  ] as const)
    it(`gives up at once at a second signal, with exit code ${code} for ${name}`, async () => {
      const { subject, signals } = service(part("stuck", () => new Promise(() => {})));
      const result = subject.run();
      signals.emit("SIGTERM", "SIGTERM");
      await settled();
      assert.deepEqual(subject.health, { state: "stopping", waitingFor: ["stuck"] });
      signals.emit(name, name);
      assert.equal(await result, code);
    });

  it("gives up when parts take longer to finish than they may, with exit code 1", async () => {
    const { subject, signals, clock } = service(
      steady("a"),
      part("stuck", () => new Promise(() => {})),
    );
    const code = subject.run();
    signals.emit("SIGTERM", "SIGTERM");
    await settled();
    await clock.advance(999);
    assert.equal(subject.health.state, "stopping");
    await clock.advance(1);
    assert.equal(await code, 1);
  });

  it("stops all parts when one fails, and passes its error on after the others have finished", async () => {
    const diary: string[] = [];
    const failure = new Error("no such device");
    const { subject } = service(
      steady("a", diary),
      part("bad", () => Promise.reject(failure)),
    );
    await assert.rejects(subject.run(), failure);
    assert.deepEqual(diary, ["a starts", "a stops"]);
  });

  it("takes a part that was stopped in the middle of something as stopped, not failed", async () => {
    const building = part("building", async (life) => {
      await untilStopped(life);
      life.stop.throwIfAborted();
    });
    const { subject, signals } = service(building);
    const code = subject.run();
    signals.emit("SIGTERM", "SIGTERM");
    assert.equal(await code, 0);
  });

  it("takes a part that throws before its first await as failed", async () => {
    const failure = new Error("at once");
    const { subject } = service(
      steady("a"),
      part("bad", () => {
        throw failure;
      }),
    );
    await assert.rejects(subject.run(), failure);
  });

  it("passes on the first of several errors", async () => {
    const first = new Error("first");
    const { subject } = service(
      part("bad", () => Promise.reject(first)),
      part("worse", async (life) => {
        await untilStopped(life);
        throw new Error("second");
      }),
    );
    await assert.rejects(subject.run(), first);
  });

  it("stops when a part asks for it", async () => {
    const diary: string[] = [];
    const { subject } = service(
      steady("a", diary),
      part("duration", ({ end }) => Promise.resolve(end())),
    );
    assert.equal(await subject.run(), 0);
    assert.deepEqual(diary, ["a starts", "a stops"]);
  });

  it("goes on while a part is done and others are not, and ends when all are", async () => {
    const last = Promise.withResolvers<void>();
    const { subject } = service(
      part("once", () => Promise.resolve()),
      part("last", () => last.promise),
    );
    let ended = false;
    const code = subject.run().then((value) => {
      ended = true;
      return value;
    });
    await settled();
    assert.equal(ended, false);
    last.resolve();
    assert.equal(await code, 0);
  });

  for (const { title, parts } of [
    { title: "an orderly stop", parts: [steady("a")] },
    { title: "a failure", parts: [part("bad", () => Promise.reject(new Error("no")))] },
  ])
    it(`leaves no listener behind after ${title}`, async () => {
      const { subject, signals, clock } = service(...parts);
      const running = subject.run().catch(() => {});
      signals.emit("SIGTERM", "SIGTERM");
      await running;
      await clock.advance(2_000);
      assert.equal(signals.listenerCount("SIGTERM") + signals.listenerCount("SIGINT"), 0);
    });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  nextAt,
  noRollout,
  type Rollout,
  type RolloutEvent,
  type RolloutSettings,
  revisionOn,
  step,
} from "../../enforcer/rollout.ts";

const plain: RolloutSettings = { canaryNodes: [], canaryMs: 60_000, confirmMs: 0 };
const canary: RolloutSettings = { ...plain, canaryNodes: ["a"] };
const confirming: RolloutSettings = { ...plain, confirmMs: 300_000 };
const both: RolloutSettings = { ...canary, confirmMs: 300_000 };

const offered = (revision: string, ...closes: string[]): RolloutEvent => ({ event: "offered", revision, closes });
const trouble = (revision: string): RolloutEvent => ({ event: "trouble", node: "a", revision, what: "no" });
const confirmed = (revision: string): RolloutEvent => ({ event: "confirmed", revision });
const accepted = (revision: string): RolloutEvent => ({ event: "accepted", revision });
const time: RolloutEvent = { event: "time" };

interface Case {
  readonly title: string;
  readonly settings?: RolloutSettings;
  /** At seconds. */
  readonly events: readonly (readonly [at: number, event: RolloutEvent])[];
  /** On the canary node a, and on b. */
  readonly on: readonly [string | null, string | null];
  readonly held?: string;
  readonly alerts?: number;
}

const cases: readonly Case[] = [
  { title: "before anything is offered nothing is in force", events: [], on: [null, null] },
  {
    title: "the first is in force everywhere at once, whatever it closes: there is nothing to stay with",
    settings: both,
    events: [[0, offered("1")]],
    on: ["1", "1"],
  },
  {
    title: "without canaries or confirmation the next is in force at once",
    events: [
      [0, offered("1")],
      [1, offered("2")],
    ],
    on: ["2", "2"],
  },
  {
    title: "what closes a path is held",
    events: [
      [0, offered("1")],
      [1, offered("2", "DNS")],
    ],
    on: ["1", "1"],
    held: "2 closes",
    alerts: 1,
  },
  {
    title: "it is told once, however often it is offered",
    events: [
      [0, offered("1")],
      [1, offered("2", "DNS")],
      [2, offered("2", "DNS")],
    ],
    on: ["1", "1"],
    held: "2 closes",
    alerts: 1,
  },
  {
    title: "it comes into force once it closes nothing",
    events: [
      [0, offered("1")],
      [1, offered("2", "DNS")],
      [2, offered("2")],
    ],
    on: ["2", "2"],
    alerts: 1,
  },
  {
    title: "it comes into force if somebody accepts it",
    events: [
      [0, offered("1")],
      [1, offered("2", "DNS")],
      [2, accepted("2")],
    ],
    on: ["2", "2"],
    alerts: 1,
  },
  {
    title: "accepting another one does nothing",
    events: [
      [0, offered("1")],
      [1, offered("2", "DNS")],
      [2, accepted("3")],
    ],
    on: ["1", "1"],
    held: "2 closes",
    alerts: 1,
  },
  {
    title: "it is gone if the policies say what is in force",
    events: [
      [0, offered("1")],
      [1, offered("2", "DNS")],
      [2, offered("1")],
    ],
    on: ["1", "1"],
    alerts: 1,
  },
  {
    title: "another one replaces it",
    events: [
      [0, offered("1")],
      [1, offered("2", "DNS")],
      [2, offered("3")],
    ],
    on: ["3", "3"],
    alerts: 1,
  },
  {
    title: "canaries are first",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [60, time],
    ],
    on: ["2", "1"],
  },
  {
    title: "the others follow in time",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [61, time],
    ],
    on: ["2", "2"],
  },
  {
    title: "trouble of a canary ends it",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [2, trouble("2")],
      [99, time],
    ],
    on: ["1", "1"],
    held: "2 trouble",
    alerts: 1,
  },
  {
    title: "it stays away when it is offered again",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [2, trouble("2")],
      [3, offered("2")],
      [99, time],
    ],
    on: ["1", "1"],
    held: "2 trouble",
    alerts: 1,
  },
  {
    title: "it may be accepted, and tried again",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [2, trouble("2")],
      [3, accepted("2")],
    ],
    on: ["2", "1"],
    alerts: 1,
  },
  {
    title: "trouble with what is confirmed changes nothing",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, trouble("1")],
    ],
    on: ["1", "1"],
  },
  {
    title: "a change while canaries try begins anew",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [50, offered("3")],
      [61, time],
    ],
    on: ["3", "1"],
  },
  {
    title: "a change that closes a path leaves the trial as it is",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [50, offered("3", "DNS")],
      [61, time],
    ],
    on: ["2", "2"],
    held: "3 closes",
    alerts: 1,
  },
  {
    title: "a change back to what is confirmed ends the trial",
    settings: canary,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [2, offered("1")],
      [99, time],
    ],
    on: ["1", "1"],
  },
  {
    title: "what is to be confirmed is in force meanwhile",
    settings: confirming,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [300, time],
    ],
    on: ["2", "2"],
  },
  {
    title: "it returns if nobody does",
    settings: confirming,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [301, time],
    ],
    on: ["1", "1"],
    held: "2 unconfirmed",
    alerts: 1,
  },
  {
    title: "it stays if somebody does",
    settings: confirming,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [300, confirmed("2")],
      [999, time],
    ],
    on: ["2", "2"],
  },
  {
    title: "confirming another one does nothing",
    settings: confirming,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [300, confirmed("1")],
      [301, time],
    ],
    on: ["1", "1"],
    held: "2 unconfirmed",
    alerts: 1,
  },
  {
    title: "changes one after the other return to what was confirmed last",
    settings: confirming,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [2, offered("3")],
      [302, time],
    ],
    on: ["1", "1"],
    held: "3 unconfirmed",
    alerts: 1,
  },
  {
    title: "with both, time to confirm begins when it is everywhere",
    settings: both,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [61, time],
      [360, time],
    ],
    on: ["2", "2"],
  },
  {
    title: "and then it returns",
    settings: both,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [61, time],
      [361, time],
    ],
    on: ["1", "1"],
    held: "2 unconfirmed",
    alerts: 1,
  },
  {
    title: "confirmed on the canaries it is confirmed",
    settings: both,
    events: [
      [0, offered("1")],
      [1, offered("2")],
      [2, confirmed("2")],
    ],
    on: ["2", "2"],
  },
];

function play(settings: RolloutSettings, events: Case["events"]): { rollout: Rollout; alerts: number } {
  let [rollout, alerts] = [noRollout, 0];
  for (const [at, event] of events) {
    const next = step(rollout, event, settings, at * 1000);
    rollout = next.rollout;
    alerts += next.news.filter(({ level }) => level === "alert").length;
  }
  return { rollout, alerts };
}

describe("a rollout", () => {
  for (const { title, settings = plain, events, on, held, alerts = 0 } of cases)
    it(title, () => {
      const end = play(settings, events);
      assert.deepEqual([revisionOn("a", end.rollout, settings), revisionOn("b", end.rollout, settings)], on);
      const { held: heldBack } = end.rollout;
      assert.equal(heldBack === null ? undefined : `${heldBack.revision} ${heldBack.because}`, held);
      assert.equal(end.alerts, alerts);
    });

  const revision = fc.constantFrom("1", "2", "3", "4");
  const event: fc.Arbitrary<RolloutEvent> = fc.oneof(
    fc.tuple(revision, fc.subarray(["DNS", "etcd"])).map(([one, closes]) => offered(one, ...closes)),
    ...[trouble, confirmed, accepted].map((make) => revision.map(make)),
    fc.constant(time),
  );
  const events = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), event), { maxLength: 30, size: "max" });
  const settings = fc.constantFrom(plain, canary, confirming, both);

  it("has one program on a node, of two at most: what is confirmed and what is tried", () => {
    const property = fc.property(settings, events, (given, steps) => {
      let [rollout, now] = [noRollout, 0];
      for (const [pause, event] of steps) {
        now += pause * 1000;
        rollout = step(rollout, event, given, now).rollout;
        const on = ["a", "b", "c"].map((node) => revisionOn(node, rollout, given));
        assert.ok(on.every((one) => one === rollout.confirmed || one === rollout.trial?.revision));
        assert.ok(rollout.held === null || !on.includes(rollout.held.revision));
        assert.ok(new Set(on).size <= 2);
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it("comes to an end by itself: with what was confirmed, if confirmation is asked for", () => {
    const property = fc.property(settings, events, (given, steps) => {
      const before = play(given, steps).rollout;
      let [rollout, now] = [before, steps.reduce((sum, [pause]) => sum + pause * 1000, 0)];
      for (let turns = 0; turns < 3 && rollout.trial !== null; turns++) {
        now = Math.max(now, nextAt(rollout, given) ?? now);
        rollout = step(rollout, time, given, now).rollout;
      }
      assert.equal(rollout.trial, null);
      const expected = given.confirmMs > 0 ? before.confirmed : (before.trial?.revision ?? before.confirmed);
      assert.equal(rollout.confirmed, expected);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it("never brings into force what closes a path unless somebody accepted it, or it is the first", () => {
    const property = fc.property(settings, events, (given, steps) => {
      const allowed = new Set<string>();
      let rollout = noRollout;
      for (const [at, event] of steps) {
        const first = rollout.confirmed === null;
        rollout = step(rollout, event, given, at * 1000).rollout;
        if (event.event === "accepted" || (event.event === "offered" && (first || event.closes.length === 0)))
          allowed.add(event.revision);
        for (const node of ["a", "b"]) {
          const on = revisionOn(node, rollout, given);
          assert.ok(on === null || allowed.has(on));
        }
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { findEvidence } from "../../controls/evidence/find.ts";
import { type Settled, WaitingChanges } from "../../controls/evidence/waiting.ts";
import { contentDigest } from "../../core/kube/content-digest.ts";
import type { Deed } from "../../core/kube/deed.ts";
import { deed, type GivenDeed, sighting } from "./deeds.ts";

const after = { metadata: { name: "web", labels: { a: "b" } }, spec: { x: 1 } };
const gone = { verb: "delete", resourceVersion: null } as const;
/** As told at level Metadata, or before it is stored. */
const bare = { target: { uid: null, resourceVersion: null } };
const refusal = { by: "forbidden", code: 403, message: "", asked: null } as const;

interface Case {
  readonly title: string;
  readonly seen?: Parameters<typeof sighting>[0];
  readonly told: readonly GivenDeed[];
  readonly of?: readonly GivenDeed[];
  readonly is: readonly [certainty: string, user?: string];
}

const cases: readonly Case[] = [
  { title: "of nobody", told: [], is: ["none"] },
  { title: "by the resourceVersion", told: [{}], is: ["exact", "ann"] },
  { title: "not by another resourceVersion", told: [{ target: { resourceVersion: "3" } }], is: ["none"] },
  { title: "not by that of an object that had the name before", told: [{ target: { uid: "u0" } }], is: ["none"] },
  { title: "not by what was refused", told: [{ refusal }], is: ["none"] },
  {
    title: "by who made that resourceVersion, not by who then changed nothing",
    told: [{ user: "bob", to: 1_050 }, { to: 1_000 }],
    is: ["exact", "ann"],
  },
  {
    title: "by none of two who may have been first: one of them changed nothing",
    told: [
      { user: "bob", from: 990, to: 995 },
      { from: 980, to: 1_000 },
    ],
    is: ["ambiguous"],
  },
  {
    title: "by who deleted it, although its answer has no resourceVersion",
    seen: gone,
    told: [{ verb: "delete", target: { resourceVersion: null } }],
    is: ["exact", "ann"],
  },
  {
    title: "by who deleted it, not by who removed the last finalizer",
    seen: gone,
    told: [
      { verb: "delete", to: 900 },
      { user: "controller", to: 1_000 },
    ],
    is: ["exact", "ann"],
  },
  {
    title: "not by a deletion of something below it",
    seen: gone,
    told: [{ verb: "delete", target: { subresource: "eviction", uid: "u1", resourceVersion: "9" } }],
    is: ["none"],
  },
  {
    title: "by content, where admission told",
    seen: { after },
    told: [
      {
        ...bare,
        toldBy: "admission",
        content: contentDigest({ ...after, metadata: { ...after.metadata, uid: "u1" } }),
      },
      { ...bare, user: "bob", toldBy: "admission", content: contentDigest({ ...after, spec: {} }) },
    ],
    is: ["likely", "ann"],
  },
  { title: "by time, where no body was told", told: [bare], is: ["likely", "ann"] },
  { title: "not by what was long ago", told: [{ ...bare, to: -60_000 }], is: ["none"] },
  { title: "not by what came after", told: [{ ...bare, to: 60_000 }], is: ["none"] },
  { title: "not by a deletion, of what is still there", told: [{ ...bare, verb: "delete" }], is: ["none"] },
  { title: "of several at that time by none", told: [bare, { ...bare, user: "bob" }], is: ["ambiguous"] },
  {
    title: "of one who acted as two by none",
    told: [bare, { ...bare, who: { impersonated: "root" } }],
    is: ["ambiguous"],
  },
  {
    title: "by who deleted all there are",
    seen: gone,
    told: [],
    of: [{ verb: "delete", target: { name: null, uid: null, resourceVersion: null } }],
    is: ["likely", "ann"],
  },
];

describe("evidence of a change is found", () => {
  for (const { title, seen, told, of = [], is } of cases)
    it(title, () => {
      const { certainty, deed: found } = findEvidence(sighting(seen), told.map(deed), of.map(deed));
      assert.deepEqual(found === null ? [certainty] : [certainty, found.who.user], is);
    });
});

const options = { waitMs: 100, keepMs: 10_000, most: 100 };
const outcome = ({ change, evidence }: Settled<string>) => [
  change,
  evidence.certainty,
  evidence.deed?.who.user ?? null,
];

describe("a change that waits for who did it", () => {
  const waiting = () => new WaitingChanges<string>(options);

  it("is settled at once, if that was told before", () => {
    const join = waiting();
    join.take([deed()], 1_000);
    assert.deepEqual(join.see(sighting(), "c", 1_100).map(outcome), [["c", "exact", "ann"]]);
    assert.deepEqual(join.all(), []);
  });

  it("is settled when it is told", () => {
    const join = waiting();
    assert.deepEqual(join.see(sighting(), "c", 1_100), []);
    assert.deepEqual(join.take([deed()], 1_150).settled.map(outcome), [["c", "exact", "ann"]]);
  });

  it("is settled without, once it has waited", () => {
    const join = waiting();
    join.see(sighting(), "c", 1_100);
    assert.deepEqual(join.due(1_199), []);
    assert.deepEqual(join.due(1_200).map(outcome), [["c", "none", null]]);
    assert.equal(join.size, 0);
  });

  it("is content with what is likely only when nothing better came", () => {
    const join = waiting();
    join.take([deed({ ...bare, user: "bob" })], 1_000);
    assert.deepEqual(join.see(sighting(), "c", 1_100), []);
    assert.deepEqual(join.take([deed()], 1_150).settled.map(outcome), [["c", "exact", "ann"]]);
  });

  it("comes after those of the same object that were seen before", () => {
    const join = waiting();
    join.see(sighting(), "first", 1_000);
    assert.deepEqual(join.see(sighting({ resourceVersion: "3" }), "second", 1_010), []);
    assert.deepEqual(join.take([deed({ target: { resourceVersion: "3" } })], 1_020).settled, []);
    assert.deepEqual(join.due(1_100).map(outcome), [
      ["first", "none", null],
      ["second", "exact", "ann"],
    ]);
  });

  it("knows who had a hand in it since it was last seen", () => {
    const join = waiting();
    join.take([deed({ user: "old", to: 500 })], 1_000);
    join.see(sighting({ since: 400, foundAt: 600 }), "known", 1_000);
    join.take(
      [
        deed({ user: "bob", to: 900, target: { resourceVersion: "3" } }),
        deed({ to: 950, target: { resourceVersion: "4" } }),
      ],
      1_000,
    );
    const [settled] = join.see(sighting({ resourceVersion: "4", since: 600 }), "relisted", 1_000);
    assert.deepEqual(
      [settled?.evidence.deed?.who.user, settled?.evidence.also.map(({ who }) => who.user)],
      ["ann", ["bob"]],
    );
  });

  it("knows who deleted the namespace that a controller tidied up", () => {
    const join = waiting();
    const namespaces = {
      group: "",
      resource: "namespaces",
      namespace: null,
      name: "default",
      uid: "n",
      resourceVersion: null,
    };
    const controller = "system:serviceaccount:kube-system:namespace-controller";
    join.take([deed({ verb: "delete", target: namespaces }), deed({ user: controller, verb: "delete" })], 1_000);
    const [settled] = join.see(sighting(gone), "c", 1_100);
    assert.deepEqual([settled?.evidence.deed?.who.user, settled?.evidence.cause?.who.user], [controller, "ann"]);
  });

  it("hears of each deed once", () => {
    const [join, one] = [waiting(), deed()];
    assert.deepEqual([join.take([one, one], 0).fresh, join.take([one], 1).fresh], [[one], []]);
  });

  it("goes without who did it, where too many wait", () => {
    const join = new WaitingChanges<string>({ ...options, most: 2 });
    const see = (name: string) => join.see(sighting({ target: { name } }), name, 0).map(outcome);
    assert.deepEqual([see("a"), see("b"), see("c")], [[], [], [["a", "none", null]]]);
  });

  it("is given back once, and by who did it, in whichever order it is told", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(everything()), (order) => {
        const join = waiting();
        const settled = order.flatMap(({ see, told }) =>
          see === null
            ? join.take([told as Deed], 0).settled
            : join.see(see, `${see.target.name}${see.resourceVersion}`, 0),
        );
        const all = [...settled, ...join.all()];
        const seen = order.filter(({ see }) => see !== null).length;
        assert.equal(all.length, seen);
        assert.equal(new Set(all.map(({ change }) => change)).size, seen);
        for (const { change, evidence } of all)
          if (evidence.certainty === "exact") assert.equal(evidence.deed?.who.user, `user-${change}`);
      }),
    );
  });
});

interface Happening {
  readonly see: ReturnType<typeof sighting> | null;
  readonly told: Deed | null;
}

function everything(): Happening[] {
  return ["a", "b", "c"].flatMap((name) =>
    ["1", "2", "3"].flatMap((resourceVersion) => [
      { see: sighting({ target: { name }, resourceVersion }), told: null },
      { see: null, told: deed({ user: `user-${name}${resourceVersion}`, target: { name, resourceVersion } }) },
    ]),
  );
}

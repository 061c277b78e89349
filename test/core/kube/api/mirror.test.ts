import assert from "node:assert/strict";
import fc from "fast-check";
import type { ApiError } from "../../../../core/kube/api/api.ts";
import type { WatchEvent } from "../../../../core/kube/api/events.ts";
import { type Difference, Mirror } from "../../../../core/kube/api/mirror.ts";
import type { Resource } from "../../../../core/kube/api/resource.ts";
import type { Validate } from "../../../../core/kube/examine.ts";

const sets: Resource = {
  apiVersion: "projectcalico.org/v3",
  kind: "NetworkSet",
  plural: "networksets",
  fields: { metadata: { name: true, namespace: true, uid: true, resourceVersion: true }, spec: true },
  isRequired: false,
};

/** Refuses a spec of 0. */
const validate: Validate = ({ spec }) => (spec === 0 ? [{ field: "spec", message: "is nothing" }] : []);

const item = (name: string, spec: number, uid = `${name}-1`, resourceVersion = "1") => ({
  metadata: { namespace: "prod", name, uid, resourceVersion, managedFields: [] },
  spec,
});
const event = (type: WatchEvent["type"], object: unknown): WatchEvent => ({ type, object, version: "1" });

function wordsOf({ changes, faults, mended }: Difference): readonly string[] {
  return [
    ...changes.map((change) =>
      change.type === "synced" ? "" : `${change.type} ${change.object.metadata.uid} ${change.object["spec"] ?? "-"}`,
    ),
    ...faults.map(({ file, field, message }) => `fault ${file} ${field} ${message}`),
    ...mended.map(({ file }) => `mended ${file}`),
  ];
}

const a = "projectcalico.org/v3/NetworkSet/prod/a";

describe("core/kube/api/mirror", () => {
  let mirror: Mirror;
  beforeEach(() => {
    mirror = new Mirror(sets, validate);
    listed(item("a", 1));
  });
  const listed = (...items: readonly unknown[]) => wordsOf(mirror.replace(items.map(mirror.listed)));
  const happened = (...events: readonly WatchEvent[]) => wordsOf(mirror.take(events));

  it("tells kind and version of each object, which lists do not", () => {
    const { changes } = mirror.replace([mirror.listed(item("b", 1))]);
    const told = changes.map(
      (change) => change.type !== "synced" && `${change.object.apiVersion} ${change.object.kind}`,
    );
    assert.deepEqual(told, ["projectcalico.org/v3 NetworkSet", "projectcalico.org/v3 NetworkSet"]);
  });

  for (const { title, told, words } of [
    { title: "nothing of what is as it was", told: [item("a", 1)], words: [] },
    { title: "nothing of a new version that says the same", told: [item("a", 1, "a-1", "2")], words: [] },
    { title: "what is new", told: [item("a", 1), item("b", 2)], words: ["upsert b-1 2"] },
    { title: "what is gone, first", told: [item("b", 2)], words: ["delete a-1 -", "upsert b-1 2"] },
    { title: "another object of the same name", told: [item("a", 1, "a-2")], words: ["delete a-1 -", "upsert a-2 1"] },
    {
      title: "that one it had is refused, and not that it is gone",
      told: [item("a", 0)],
      words: [`fault ${a} spec is nothing`],
    },
    {
      title: "that another object of its name is refused, and that it is gone",
      told: [item("a", 0, "a-2")],
      words: ["delete a-1 -", `fault ${a} spec is nothing`],
    },
  ])
    it(`tells of a list ${title}`, () => assert.deepEqual(listed(...told), words));

  for (const { title, events, words } of [
    { title: "a change", events: [event("MODIFIED", item("a", 2))], words: ["upsert a-1 2"] },
    { title: "a deletion with the last state", events: [event("DELETED", item("a", 9))], words: ["delete a-1 9"] },
    {
      title: "deletion and creation as two",
      events: [event("DELETED", item("a", 1)), event("ADDED", item("a", 1, "a-2"))],
      words: ["delete a-1 1", "upsert a-2 1"],
    },
    { title: "nothing of a bookmark", events: [event("BOOKMARK", { metadata: {} })], words: [] },
    { title: "nothing of the deletion of what it never told", events: [event("DELETED", item("b", 1))], words: [] },
    {
      title: "one that is refused from its first day when it is good",
      events: [event("ADDED", item("b", 0)), event("MODIFIED", item("b", 1))],
      words: ["upsert b-1 1", `fault ${a.replace("/a", "/b")} spec is nothing`, `mended ${a.replace("/a", "/b")}`],
    },
    {
      title: "no deletion of one that was always refused",
      events: [event("ADDED", item("b", 0)), event("DELETED", item("b", 0))],
      words: [`fault ${a.replace("/a", "/b")} spec is nothing`, `mended ${a.replace("/a", "/b")}`],
    },
    {
      title: "the deletion of one that is refused and was good once",
      events: [event("MODIFIED", item("a", 0)), event("DELETED", item("a", 0))],
      words: ["delete a-1 0", `fault ${a} spec is nothing`, `mended ${a}`],
    },
  ])
    it(`tells of events ${title}`, () => assert.deepEqual(happened(...events), words));

  it("tells a fault once, however often the object changes and however it is learned", () => {
    assert.equal(listed(item("a", 0)).length, 1);
    assert.deepEqual(happened(event("MODIFIED", item("a", 0, "a-1", "2"))), []);
    assert.deepEqual(listed(item("a", 0, "a-1", "3")), []);
  });

  it("refuses what has no name", () => {
    assert.throws(
      () => mirror.listed({ metadata: {} }),
      ({ code, reason }: ApiError) => code === "KUBE_FAILED" && reason === "Malformed",
    );
  });

  it("counts nothing of events of which one cannot be read", () => {
    const good = event("ADDED", item("b", 1));
    assert.throws(() => mirror.take([good, event("ADDED", {})]), { code: "KUBE_FAILED" });
    assert.deepEqual(happened(good), ["upsert b-1 1"]);
  });

  it("leads consumers to the same state by lists, by events, and by any mixture", () => {
    const name = fc.constantFrom("a", "b", "c");
    const good = fc.integer({ min: 1, max: 3 });
    const step = fc.record({
      name,
      spec: good,
      uid: fc.constantFrom("1", "2"),
      deleted: fc.boolean(),
      relist: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const mirror = new Mirror(sets, validate);
        const [there, known] = [new Map<string, unknown>(), new Map<string, string>()];
        const tell = ({ changes }: Difference) => {
          for (const change of changes) {
            if (change.type === "synced") continue;
            const { metadata, spec } = change.object as { metadata: { name: string; uid?: string }; spec?: unknown };
            // A consumer that knows objects by uid would miss the deletion of another.
            if (change.type === "upsert") known.set(metadata.name, `${metadata.uid} ${spec}`);
            else if (known.get(metadata.name)?.startsWith(`${metadata.uid} `)) known.delete(metadata.name);
          }
        };
        for (const { name, spec, uid, deleted, relist } of steps) {
          const object = item(name, spec, uid);
          const before = there.get(name) as typeof object | undefined;
          const events: WatchEvent[] = [];
          const isAnother = before !== undefined && before.metadata.uid !== uid;
          if (before !== undefined && (deleted || isAnother)) events.push(event("DELETED", before));
          if (deleted) there.delete(name);
          else {
            events.push(event(before === undefined || isAnother ? "ADDED" : "MODIFIED", object));
            there.set(name, object);
          }
          tell(relist ? mirror.replace([...there.values()].map(mirror.listed)) : mirror.take(events));
        }
        tell(mirror.replace([...there.values()].map(mirror.listed)));
        const wanted = [...there.values()].map((object) => {
          const { metadata, spec } = object as ReturnType<typeof item>;
          return [metadata.name, `${metadata.uid} ${spec}`] as const;
        });
        assert.deepEqual(new Map([...known].sort()), new Map(wanted.sort()));
        assert.equal(mirror.size, there.size);
      }),
    );
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { readEventLines, readEventList } from "../../../collectors/audit/event-list.ts";
import { parseTime } from "../../../core/clock.ts";
import { SluiceError } from "../../../core/errors.ts";
import type { Deed } from "../../../core/kube/deed.ts";
import { auditEvent, eventList, goneStatus } from "./audit-event.ts";

const read = (given: object) => readEventList(eventList([auditEvent({ ...given })]));
const deedsOf = (given: object): readonly Deed[] => read(given).events.flatMap(({ deeds }) => deeds);
const deedOf = (given: object): Deed => {
  const [deed, ...others] = deedsOf(given);
  assert.ok(deed !== undefined && others.length === 0, "it is one deed");
  return deed;
};
const ref = { resource: "networkpolicies", namespace: "default", apiGroup: "networking.k8s.io", apiVersion: "v1" };
const status = (code: number, message: string) => ({ metadata: {}, status: "Failure", message, code });

describe("an audit event", () => {
  it("says who asked for what, and what the object became", () => {
    const { id: _, ...deed } = deedOf({});
    assert.deepEqual(deed, {
      requestId: "d658859e-ef5b-46eb-83ed-8afd72496f40",
      toldBy: "audit",
      from: parseTime("2026-12-01T11:40:13.983Z"),
      to: parseTime("2026-12-01T11:40:13.988Z"),
      verb: "patch",
      who: {
        user: "ann",
        groups: ["team", "system:authenticated"],
        impersonated: null,
        addresses: ["127.0.0.1"],
        userAgent: "kubectl/v1.36.3 (linux/amd64) kubernetes/a1b2c3d",
        fieldManager: "kubectl-label",
      },
      target: {
        group: "networking.k8s.io",
        version: "v1",
        resource: "networkpolicies",
        subresource: null,
        namespace: "default",
        name: "x",
        uid: "3831acc2",
        resourceVersion: "231",
      },
      refusal: null,
      tier: null,
      content: null,
    });
  });

  const none: readonly { readonly title: string; readonly event: object }[] = [
    { title: "a read", event: { verb: "list" } },
    { title: "a verb that is a name of every object", event: { verb: "constructor" } },
    { title: "a request that is only beginning", event: { stage: "RequestReceived" } },
    { title: "a dry run, as the query says", event: { requestURI: "/x?fieldManager=a&dryRun=All" } },
    { title: "a dry run, as options of a deletion say", event: { verb: "delete", requestObject: { dryRun: ["All"] } } },
    { title: "a conflict", event: { responseStatus: status(409, "the object has been modified") } },
    { title: "what is not valid", event: { responseStatus: status(422, "spec: Invalid value") } },
    { title: "no object", event: { objectRef: undefined } },
  ];
  for (const { title, event } of none) it(`of ${title} is no deed`, () => assert.deepEqual(deedsOf(event), []));

  it("is a deed although a field of the object is called dryRun", () => {
    assert.equal(deedsOf({ requestObject: { dryRun: ["All"] } }).length, 1);
  });

  for (const { levels, isKept } of [
    { levels: 64, isKept: true },
    { levels: 65, isKept: false },
    { levels: 1_000, isKept: false },
  ])
    it(`${isKept ? "tells" : "does not tell"} what was asked for and refused, nested ${levels} levels`, () => {
      const requestObject = JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);
      const { refusal } = deedOf({ requestObject, responseStatus: status(403, "User cannot"), responseObject: null });
      assert.equal(refusal?.asked ?? null, isKept ? JSON.stringify(requestObject) : null);
    });

  it("of a deletion names what is gone", () => {
    const { verb, target } = deedOf({
      verb: "delete",
      responseStatus: goneStatus,
      responseObject: { kind: "Status", apiVersion: "v1", ...goneStatus },
    });
    assert.deepEqual([verb, target.name, target.uid, target.resourceVersion], ["delete", "x", "3831acc2", null]);
  });

  it("of a deletion names what is gone also at level Metadata", () => {
    const event = { verb: "delete", responseStatus: goneStatus, requestObject: undefined, responseObject: undefined };
    assert.equal(deedOf(event).target.uid, "3831acc2");
  });

  it("of a deletion of many is one deed an object", () => {
    const item = (name: string) => ({ metadata: { name, namespace: "default", uid: `uid-${name}` } });
    const event = { verb: "deletecollection", objectRef: ref, responseObject: { items: [item("a"), item("b")] } };
    const deeds = deedsOf(event);
    assert.deepEqual(
      deeds.map(({ verb, target: { name, uid } }) => [verb, name, uid]),
      [
        ["delete", "a", "uid-a"],
        ["delete", "b", "uid-b"],
      ],
    );
    assert.equal(new Set(deeds.map(({ id }) => id)).size, 2);
  });

  it("of a namespace is about something that is in none", () => {
    const objectRef = { resource: "namespaces", namespace: "prod", name: "prod", apiVersion: "v1" };
    const { target } = deedOf({ objectRef, responseObject: undefined });
    assert.deepEqual([target.group, target.namespace, target.name], ["", null, "prod"]);
  });

  it("knows who acted as somebody else", () => {
    const { who } = deedOf({ impersonatedUser: { username: "root", groups: ["system:masters"] } });
    assert.deepEqual([who.user, who.impersonated, who.groups], ["ann", "root", ["team", "system:authenticated"]]);
  });

  const refusals = [
    { code: 403, message: 'networkpolicies is forbidden: User "ann" cannot create', by: "forbidden" },
    { code: 401, message: "Unauthorized", by: "forbidden" },
    { code: 403, message: 'admission webhook "a.b" denied the request: no', by: "admission" },
    { code: 422, message: "ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no", by: "admission" },
  ] as const;
  for (const { code, message, by } of refusals)
    it(`with ${code} ${message.slice(0, 40)} is a refused attempt (${by})`, () => {
      const deed = deedOf({
        responseStatus: status(code, message),
        requestObject: { spec: {} },
        responseObject: undefined,
      });
      assert.deepEqual(deed.refusal, { by, code, message, asked: '{"spec":{}}' });
    });

  it("of a refused one names no object that was not there", () => {
    const refused = status(403, "forbidden");
    const { target } = deedOf({
      objectRef: ref,
      responseStatus: refused,
      responseObject: { kind: "Status", ...refused },
    });
    assert.deepEqual([target.name, target.uid, target.resourceVersion], [null, null, null]);
  });

  it("keeps the tier that admission noted", () => {
    assert.equal(deedOf({ annotations: { "tier-rbac.projectcalico.org/tier": "security" } }).tier, "security");
  });

  it("is another if anything about it is, also where a client gives two requests one audit ID", () => {
    const keys = [
      {},
      { stageTimestamp: "2026-12-01T11:40:13.988017Z" },
      { user: { username: "bob" } },
      { verb: "update" },
      { requestURI: "/other" },
      { auditID: "0" },
    ].map((given) => read(given).events[0]?.key);
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(read({ level: "Metadata" }).events[0]?.key, keys[0]);
  });

  it("is not hidden by a long user agent, name or body, which are cut", () => {
    const long = "x".repeat(100_000);
    const refused = { responseStatus: status(403, long), requestObject: { long } };
    const { who, refusal } = deedOf({ userAgent: long, user: { username: long, groups: [long] }, ...refused });
    assert.deepEqual([who.userAgent?.length, who.user.length, who.groups[0]?.length], [2_048, 1_024, 1_024]);
    assert.deepEqual([refusal?.message.length, refusal?.asked], [2_048, null]);
  });
});

describe("a list of audit events", () => {
  it("counts items that are no events, and takes the others", () => {
    const { events, malformed } = readEventList(eventList([auditEvent(), {}, null, auditEvent({ user: 1 }), []]));
    assert.deepEqual([events.length, malformed], [1, 4]);
  });

  for (const body of ["", "[]", "{}", '{"kind":"EventList","items":[]}', eventList([]).slice(0, -2)])
    it(`is not ${JSON.stringify(body)}`, () => {
      assert.throws(() => readEventList(body), { code: "DECODE_FAILED" });
    });

  it("may stand in a log, one event a line", () => {
    const { events, malformed } = readEventLines([JSON.stringify(auditEvent()), "", "{", JSON.stringify({})]);
    assert.deepEqual([events.length, malformed], [1, 2]);
  });

  it("is read or refused, whatever the bytes are", () => {
    const whole = eventList([auditEvent()]);
    const edits = fc.array(fc.tuple(fc.nat(whole.length), fc.nat(20), fc.string({ maxLength: 8 })), { maxLength: 5 });
    fc.assert(
      fc.property(edits, (list) => {
        const body = list.reduce((text, [at, gone, put]) => text.slice(0, at) + put + text.slice(at + gone), whole);
        readOrRefused(body);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is read or refused, whatever its events hold", () => {
    const fields = Object.keys(auditEvent());
    const changed = fc.dictionary(fc.constantFrom(...fields), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 4 });
    fc.assert(
      fc.property(changed, (given) => readOrRefused(eventList([auditEvent(given)]))),
      { numRuns: 2_000 },
    );
  });

  it("of a depth that no stack holds is refused or passed over", () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const refused = JSON.stringify(auditEvent({ responseStatus: status(403, "no"), requestObject: "DEEP" }));
    readOrRefused(eventList([]).replace("[]", `[${refused.replace('"DEEP"', deep)}]`));
  });
});

function readOrRefused(body: string): void {
  try {
    const { events, malformed } = readEventList(body);
    assert.ok(events.length + malformed >= 0);
    for (const { deeds } of events) JSON.stringify(deeds);
  } catch (thrown) {
    assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED", String(thrown));
  }
}

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authority } from "../../controls/authority/authority.ts";
import { Past } from "../../controls/authority/past.ts";
import { PastFile } from "../../controls/authority/past-file.ts";
import { noEvidence } from "../../controls/evidence/sighting.ts";
import { attemptRecord } from "../../controls/log/attempt-record.ts";
import type { Delta } from "../../controls/watched/delta.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import type { ChangeRecord, ControlChange } from "../../core/records/change.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { remove, synced, upsert } from "../support/objects.ts";
import { deed } from "./deeds.ts";

const changePolicy = (users: readonly string[], name = "p"): KubeObject => ({
  apiVersion: "controls.sluice.dev/v1alpha1",
  kind: "ChangePolicy",
  metadata: { name },
  spec: { allow: [{ actors: { users } }] },
});
const webPolicy: KubeObject = {
  apiVersion: "projectcalico.org/v3",
  kind: "GlobalNetworkPolicy",
  metadata: { name: "security.web", uid: "u1", annotations: { a: "b" } },
  spec: { tier: "security" },
};
const delta: Delta = { before: {}, after: { a: "b" }, touchesContent: true, tiers: ["security"] };
const evidence = { certainty: "exact", deed: deed(), also: [], cause: null } as const;

let count = 0;

/** A record of a change that nobody has judged. */
function recordOf({ kind, metadata }: KubeObject, given: Partial<ControlChange> = {}): ChangeRecord {
  count += 1;
  const { control, ...attempt } = attemptRecord(deed(), "lab");
  assert.ok(control !== null);
  const about = { kind, name: metadata.name, uid: metadata.uid ?? null, namespace: null };
  return { ...attempt, id: `r${count}`, control: { ...control, ...about, refused: false, verb: "update", ...given } };
}

function verdictOf(record: ChangeRecord): string {
  return `${record.control?.authorised}: ${record.control?.reasons.join()}`;
}

describe("whoever may say what is authorised", () => {
  it("says it by the policies that were there when watching began", () => {
    const authority = new Authority(new Past());
    authority.begin([upsert(changePolicy(["ann"])), upsert(webPolicy), synced]);
    const record = recordOf(webPolicy);
    authority.see(record, webPolicy);
    assert.equal(verdictOf(authority.judged(record, delta, evidence)), "yes: ChangePolicy p: allowed to ann");
  });

  it("says it by those of the moment, although they are weaker by the time it is known who did it", () => {
    const authority = new Authority(new Past());
    authority.begin([upsert(changePolicy(["bob"])), synced]);
    const [record, weaker] = [recordOf(webPolicy), changePolicy(["ann", "bob"])];
    authority.see(record, webPolicy);
    const weakening = recordOf(weaker);
    authority.see(weakening, weaker);
    const later = recordOf(webPolicy);
    authority.see(later, webPolicy);
    assert.deepEqual(
      [record, later].map((one) => authority.judged(one, delta, evidence).control?.authorised),
      ["no", "yes"],
    );
    assert.equal(authority.judged(weakening, delta, evidence).control?.authorised, "no");
  });

  it("goes by a policy no more once it is deleted, which itself was judged by it", () => {
    const authority = new Authority(new Past());
    const policy = changePolicy(["bob"]);
    authority.begin([upsert(policy), synced]);
    const deletion = recordOf(policy, { verb: "delete" });
    authority.see(deletion, policy);
    const later = recordOf(webPolicy);
    authority.see(later, webPolicy);
    assert.equal(authority.judged(deletion, delta, evidence).control?.authorised, "no");
    assert.equal(authority.judged(later, delta, evidence).control?.authorised, "unknown");
  });

  it("allows nothing by a policy that cannot be read", () => {
    const authority = new Authority(new Past());
    authority.begin([upsert({ ...changePolicy([]), spec: {} }), remove(webPolicy), synced]);
    const record = recordOf(webPolicy);
    authority.see(record, webPolicy);
    assert.match(verdictOf(authority.judged(record, delta, evidence)), /^no: ChangePolicy p cannot be read/);
  });

  it("does not know whoever nobody told of", () => {
    const authority = new Authority(new Past());
    authority.begin([upsert(changePolicy(["ann"])), synced]);
    const record = recordOf(webPolicy);
    authority.see(record, webPolicy);
    assert.equal(verdictOf(authority.judged(record, delta, noEvidence)), "no: nobody told who did it");
  });
});

describe("what was approved", () => {
  let folder: string;
  const clock = new FakeClock();
  const fileOf = (past: Past) => new PastFile({ path: join(folder, "past.json"), past, clock, log: silentLog });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-past-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function changed(): Past {
    const past = new Past();
    const authority = new Authority(past);
    const record = recordOf(webPolicy);
    authority.begin([synced]);
    authority.see(record, webPolicy);
    authority.judged(record, delta, evidence);
    return past;
  }

  it("is known after a restart", async () => {
    const past = new Past();
    const file = fileOf(past);
    const stop = new AbortController();
    const running = file.run(stop.signal);
    past.restore(changed().entries());
    const authority = new Authority(past);
    const record = recordOf(webPolicy);
    authority.see(record, webPolicy);
    stop.abort();
    await running;
    authority.judged(record, delta, evidence);
    await file.write();
    const again = new Past();
    await fileOf(again).load();
    assert.deepEqual([...again.entries()], [...past.entries()]);
    assert.deepEqual(again.of("u1")[0]?.set, { a: "b" });
  });

  it("is nothing, if the file is damaged", async () => {
    writeFileSync(join(folder, "past.json"), "[[1]]", { mode: 0o600 });
    const past = new Past();
    await fileOf(past).load();
    assert.deepEqual([...past.entries()], []);
  });
});

describe("a record of what was refused", () => {
  const refusal = { by: "forbidden", code: 403, message: "User cannot", asked: null } as const;

  it("says who wanted what, and why not", () => {
    const asked = JSON.stringify({ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", spec: { a: 1 } });
    const { summary, outcomeDetail, control, actor } = attemptRecord(
      deed({ verb: "create", refusal: { ...refusal, asked } }),
      "lab",
    );
    assert.deepEqual(
      [summary, outcomeDetail, actor?.user, control?.refused, control?.authorised, control?.after],
      [
        "ann was refused to create NetworkPolicy default/web",
        "User cannot",
        "ann",
        true,
        "no",
        '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","spec":{"a":1}}',
      ],
    );
  });

  const containers = "/spec/template/spec/containers";
  const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
  const attempts: readonly { readonly title: string; readonly asked: unknown; readonly after: unknown }[] = [
    {
      title: "an annotation that repeats all of it",
      asked: { metadata: { annotations: { [lastApplied]: '{"env":[{"name":"PASSWORD","value":"x"}]}', a: "b" } } },
      after: { metadata: { annotations: { a: "b" } } },
    },
    {
      title: "that annotation in a patch",
      asked: [
        { op: "add", path: `/metadata/annotations/${lastApplied.replace("/", "~1")}`, value: "x" },
        { op: "add", path: "/metadata/annotations", value: { [lastApplied]: "x" } },
      ],
      after: [{ op: "add", path: "/metadata/annotations", value: {} }],
    },
    {
      title: "a variable in a patch",
      asked: [{ op: "add", path: `${containers}/0/env/0`, value: { name: "PASSWORD", value: "x" } }],
      after: [{ op: "add", path: `${containers}/0/env/0`, value: { name: "PASSWORD", value: "***" } }],
    },
    {
      title: "the value of a variable that the patch does not name",
      asked: [{ op: "replace", path: `${containers}/0/env/0/value`, value: "x" }],
      after: [{ op: "replace", path: `${containers}/0/env/0/value`, value: "***" }],
    },
    {
      title: "arguments in a patch",
      asked: [
        { op: "add", path: `${containers}/0/args/-`, value: "--password=x" },
        { op: "add", path: `${containers}/0/args/-`, value: "--verbose" },
        { op: "add", path: `${containers}/0/args/1`, value: "x" },
        { op: "add", path: `${containers}/0/args`, value: ["--token", "x"] },
      ],
      after: [
        { op: "add", path: `${containers}/0/args/-`, value: "--password=***" },
        { op: "add", path: `${containers}/0/args/-`, value: "--verbose" },
        { op: "add", path: `${containers}/0/args/1`, value: "***" },
        { op: "add", path: `${containers}/0/args`, value: ["--token", "***"] },
      ],
    },
    {
      title: "lines of a ConfigMap in a patch",
      asked: [
        { op: "add", path: "/data/password", value: "x" },
        { op: "add", path: "/data/0", value: "token: x" },
        { op: "remove", path: "/data/a" },
      ],
      after: [
        { op: "add", path: "/data/password", value: "***" },
        { op: "add", path: "/data/0", value: "token: ***" },
        { op: "remove", path: "/data/a" },
      ],
    },
    {
      title: "nothing of what a policy's patch says",
      asked: [{ op: "replace", path: "/spec/ingress/0", value: { action: "Deny" } }, { op: "test" }, 5],
      after: [{ op: "replace", path: "/spec/ingress/0", value: { action: "Deny" } }, { op: "test" }, 5],
    },
  ];
  for (const { title, asked, after } of attempts)
    it(`does not show what is secret: ${title}`, () => {
      const { control } = attemptRecord(deed({ refusal: { ...refusal, asked: JSON.stringify(asked) } }), "lab");
      assert.deepEqual(JSON.parse(control?.after ?? "null"), after);
    });

  it("has no kind where nobody told it", () => {
    const { object } = attemptRecord(deed({ verb: "delete", refusal, target: { name: null } }), "lab");
    assert.equal(object, "networkpolicies.networking.k8s.io default");
  });

  it("is the same when it is told again, and another of another request", () => {
    const one = deed({ refusal });
    const ids = [one, { ...one }, deed({ refusal, id: "other" })].map((each) => attemptRecord(each, "lab").id);
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
  });
});

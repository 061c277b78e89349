import assert from "node:assert/strict";
import type { Validate } from "../../../core/kube/examine.ts";
import type { FaultListener } from "../../../core/kube/fault-listener.ts";
import type { ManifestFault } from "../../../core/kube/manifest.ts";
import { type KubeObject, keyOf } from "../../../core/kube/objects.ts";
import type { ObjectSource } from "../../../core/kube/watch.ts";
import { silentLog } from "../../../core/log.ts";
import { Followed } from "../../support/followed.ts";
import { until } from "../../support/until.ts";

/** A place where objects are written, and a source of what is there. */
export interface PlaceUnderTest {
  source(options: FaultListener & { readonly validate: Validate }): ObjectSource;
  /** Creates the object or writes it over. */
  write(object: KubeObject): Promise<void>;
  remove(object: KubeObject): Promise<void>;
}

/** What every ObjectSource promises; run for each implementation. `place` is asked for once a test, and is empty then. */
export function objectSourceContract(place: () => PlaceUnderTest | Promise<PlaceUnderTest>): void {
  let here: PlaceUnderTest;
  let faults: ManifestFault[];
  let mended: ManifestFault[];
  let following: Followed[];

  beforeEach(async () => {
    here = await place();
    [faults, mended, following] = [[], [], []];
  });
  afterEach(() => Promise.all(following.map((one) => one.stop())));

  const sourceOf = () =>
    here.source({
      log: silentLog,
      validate,
      onFault: (fault) => faults.push(fault),
      onMended: (fault) => mended.push(fault),
    });
  const follow = async (source = sourceOf()) => {
    const followed = new Followed(source);
    following.push(followed);
    await followed.synced();
    return followed;
  };
  const write = async (...objects: readonly KubeObject[]) => {
    for (const object of objects) await here.write(object);
  };

  it("tells all there is in one batch, which closes with synced", async () => {
    await write(policy("a"), policy("b"));
    const followed = await follow();
    assert.deepEqual(followed.words, ["upsert a", "upsert b", "synced"]);
    assert.equal(followed.batches.length, 1);
  });

  it("tells of nothing that there is nothing", async () => {
    assert.deepEqual((await follow()).words, ["synced"]);
  });

  it("tells what is new, what changes and what goes, and never again that this was all", async () => {
    await write(policy("a"));
    const followed = await follow();
    await write(policy("b"));
    await followed.told("upsert b", 1);
    await write(policy("b", "db"));
    await until("the change", () => appOf(followed, "b") === "db");
    await here.remove(policy("a"));
    await followed.told("delete a", 1);
    assert.deepEqual(followed.words, ["upsert a", "synced", "upsert b", "upsert b", "delete a"]);
  });

  it("tells objects whole: their type, names, labels and rules", async () => {
    await write(policy("a"));
    const told = (await follow()).named("a") ?? assert.fail("it is not there");
    assert.equal(keyOf(told), "networking.k8s.io/v1/NetworkPolicy/default/a");
    assert.deepEqual([told.metadata.labels, told["spec"]], [policy("a").metadata.labels, policy("a")["spec"]]);
  });

  it("tells nothing of what is written as it was", async () => {
    await write(policy("a"));
    const followed = await follow();
    await write(policy("a"), policy("after"));
    await followed.told("upsert after", 1);
    assert.deepEqual(followed.words, ["upsert a", "synced", "upsert after"]);
  });

  it("keeps the last good state of what is refused, and tells the fault once, and when it is mended", async () => {
    await write(policy("a"));
    const followed = await follow();
    await write(policy("a", "bad"), policy("after"));
    await followed.told("upsert after", 1);
    await until("the fault", () => faults.length > 0);
    assert.deepEqual(
      faults.map(({ field, message }) => [field, message]),
      [["metadata.labels.app", "is bad"]],
    );
    assert.equal(appOf(followed, "a"), "web");
    await write(policy("a", "good"));
    await until("the new state", () => appOf(followed, "a") === "good");
    assert.deepEqual([faults.length, mended.length], [1, 1]);
  });

  it("tells nothing of what was never good, neither that it is gone", async () => {
    await write(policy("a", "bad"));
    const followed = await follow();
    assert.deepEqual([followed.words, faults.length], [["synced"], 1]);
    await here.remove(policy("a"));
    await write(policy("after"));
    await followed.told("upsert after", 1);
    await until("the fault to be over", () => mended.length > 0);
    assert.deepEqual(followed.words, ["synced", "upsert after"]);
  });

  it("tells that what is refused is gone, if it was good once", async () => {
    await write(policy("a"));
    const followed = await follow();
    await write(policy("a", "bad"));
    await until("the fault", () => faults.length > 0);
    await here.remove(policy("a"));
    await followed.told("delete a", 1);
  });

  it("goes on for one consumer when another throws", async () => {
    const source = sourceOf();
    const followed = await follow(source);
    const failing = (async () => {
      for await (const _ of source.watch(new AbortController().signal)) throw new Error("of the consumer");
    })();
    await assert.rejects(failing, /of the consumer/);
    await write(policy("a"));
    await followed.told("upsert a", 1);
  });

  it("ends when the signal aborts", async () => {
    const followed = await follow();
    await followed.stop();
    await write(policy("a"));
    assert.deepEqual(followed.words, ["synced"]);
  });
}

const validate: Validate = ({ metadata }) =>
  metadata.labels?.["app"] === "bad" ? [{ field: "metadata.labels.app", message: "is bad" }] : [];

const appOf = (followed: Followed, name: string) => followed.named(name)?.metadata.labels?.["app"];

function policy(name: string, app = "web"): KubeObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace: "default", labels: { app } },
    spec: {
      podSelector: {},
      policyTypes: ["Ingress"],
      ingress: [{ from: [{ podSelector: { matchLabels: { app } } }] }],
    },
  };
}

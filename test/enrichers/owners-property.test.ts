import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress } from "../../core/address.ts";
import type { Change } from "../../core/kube/watch.ts";
import { Owners } from "../../enrichers/owners.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { ownedBy, ownedObject, podObject, remove, synced, upsert } from "../support/objects.ts";

const addresses = [0, 1, 2].map((n) => parseAddress(`10.1.0.${n}`));
const [pod, label, ips] = [fc.nat(2), fc.nat(1), fc.uniqueArray(fc.nat(2), { maxLength: 2 })];
const taken = fc.record({ pod, label, ips }).map(({ pod, label, ips }): Change => {
  const parts = { ips: ips.map((n) => `10.1.0.${n}`), labels: { v: String(label) } };
  return upsert(podObject(`shop/pod-${pod}`, { ...parts, owner: ownedBy("ReplicaSet", `web-${pod}`) }));
});
const gone = pod.map((n): Change => remove(podObject(`shop/pod-${n}`)));
// Whose it is never changes: that is found out once.
const controlled = pod.map(
  (n): Change => upsert(ownedObject("ReplicaSet", `shop/web-${n}`, ownedBy("Deployment", `app-${n}`))),
);
const steps = fc.array(fc.oneof({ weight: 4, arbitrary: taken }, gone, controlled), { maxLength: 20 });

describe("enrichers/owners, whatever happens", () => {
  it("says the same of an address, at whatever moment, whether it was asked before or not", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (changes) => {
        const clock = new FakeClock();
        const [asked, unasked] = [new Owners({ clock }), new Owners({ clock })];
        const moments = changes.map((_, index) => (clock.now() + 1000 * index) * 1000);
        const answers = (owners: Owners) =>
          addresses.map((address) => moments.map((at) => owners.ownerOf(address, at, "node-1")));
        for (const change of [synced, ...changes]) {
          await clock.advance(1000);
          asked.update([change]);
          answers(asked);
          unasked.update([change]);
        }
        assert.deepEqual(answers(asked), answers(unasked));
      }),
    );
  });
});

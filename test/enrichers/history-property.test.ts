import assert from "node:assert/strict";
import fc from "fast-check";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import { Enricher } from "../../enrichers/enrich.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { seconds } from "../support/flows.ts";
import { podObject, remove, synced, upsert } from "../support/objects.ts";

/** What happens a second after what happened before; `restart`: another process takes over, having missed `after` steps. */
type Step =
  | {
      readonly what: "put";
      readonly pod: number;
      readonly ips: readonly number[];
      readonly v: number;
      readonly uid: number;
    }
  | { readonly what: "delete"; readonly pod: number }
  | { readonly what: "restart"; readonly missed: number };

const put = fc.record({
  what: fc.constant("put" as const),
  pod: fc.nat(2),
  ips: fc.uniqueArray(fc.nat(3), { maxLength: 2 }),
  v: fc.nat(1),
  uid: fc.nat(1),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: put },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("delete" as const), pod: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("restart" as const), missed: fc.nat(2) }) },
);

const objectOf = ({ pod, ips, v, uid }: Extract<Step, { what: "put" }>, withUid: boolean): KubeObject =>
  podObject(`shop/pod-${pod}`, {
    ips: ips.map((n) => `10.1.0.${n}`),
    labels: { v: String(v) },
    ...(withUid ? { uid: `${pod}-${uid}` } : {}),
  });

const nameOf = ({ address, name, uid }: EndpointTenure) => `${address} ${name} ${uid}`;

describe("enrichers/history, whatever happens", () => {
  it("the records told so far always say who has which address with which labels now, and stretches never overlap", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, withUid) => {
        const clock = new FakeClock();
        const objects = new Map<string, KubeObject>();
        const records: EndpointTenure[] = [];
        let enricher: Enricher | undefined;
        let missed = 0;
        let watchedUntil = seconds(0);
        for (const [index, one] of [...steps, { what: "restart", missed: 0 } as const].entries()) {
          await clock.advance(1000);
          const changes = one.what === "restart" ? [] : [changeOf(one, objects, withUid)].flat();
          if (one.what === "restart") {
            enricher = undefined;
            missed = index === steps.length ? 0 : one.missed;
          }
          if (enricher !== undefined) records.push(...enricher.update(changes));
          else if (missed-- <= 0) {
            enricher = new Enricher({ clock, cluster: "lab" });
            enricher.remember({ tenures: records, programs: [], watchedUntil });
            records.push(...enricher.update([...[...objects.values()].map(upsert), synced]));
          }
          if (enricher === undefined) continue;
          watchedUntil = seconds(clock.monotonic() / 1000);
          assert.deepEqual(openIn(records), openIn(objects.values()));
          noOverlap(records);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function changeOf(one: Exclude<Step, { what: "restart" }>, objects: Map<string, KubeObject>, withUid: boolean) {
  const known = objects.get(`pod-${one.pod}`);
  if (one.what === "delete") {
    objects.delete(`pod-${one.pod}`);
    return known === undefined ? [] : [remove(known)];
  }
  const object = objectOf(one, withUid);
  objects.set(object.metadata.name, object);
  return [upsert(object)];
}

/** `address name uid labels` of everything that lasts, by records or by objects. */
function openIn(source: Iterable<KubeObject> | readonly EndpointTenure[]): readonly string[] {
  if (Array.isArray(source))
    return [...newest(source as readonly EndpointTenure[])]
      .filter(({ end }) => end === null)
      .map((record) => `${nameOf(record)} ${record.labels["v"]}`)
      .sort();
  return [...(source as Iterable<KubeObject>)]
    .flatMap((object) => {
      const { podIPs = [] } = object["status"] as { readonly podIPs?: readonly { readonly ip: string }[] };
      const { name, uid = null, labels } = object.metadata;
      return podIPs.map(({ ip }) => `${ip} ${name} ${uid} ${labels?.["v"]}`);
    })
    .sort();
}

function newest(records: readonly EndpointTenure[]): readonly EndpointTenure[] {
  return [...new Map(records.map((record) => [`${nameOf(record)} ${record.start}`, record])).values()];
}

function noOverlap(records: readonly EndpointTenure[]): void {
  for (const stretches of Map.groupBy(newest(records), nameOf).values()) {
    const sorted = stretches.toSorted((a, b) => a.start - b.start);
    for (const [index, { end, start, toldAt }] of sorted.entries()) {
      const next = sorted[index + 1];
      assert.ok(end === null || (start <= end && end <= toldAt), `${start}..${end} told at ${toldAt}`);
      assert.ok(next === undefined || (end !== null && end <= next.start), "stretches overlap");
    }
  }
}

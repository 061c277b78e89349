import assert from "node:assert/strict";
import { type Delta, deltaOf } from "../../controls/watched/delta.ts";
import { Ledger } from "../../controls/watched/ledger.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { remove, upsert } from "../support/objects.ts";

const calico = (kind: string, spec: object, annotations?: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind,
  metadata: { name: "x", ...(annotations && { annotations }) },
  spec,
});
const policy = (tier: string | undefined, annotations?: Readonly<Record<string, string>>) =>
  calico("GlobalNetworkPolicy", tier === undefined ? {} : { tier }, annotations);
/** More than a record holds. */
const many = { nets: Array.from({ length: 8_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`) };
const approved = { "example.com/approved": "yes" };
const applied = (text: string) => ({ "kubectl.kubernetes.io/last-applied-configuration": text });

const cases: readonly {
  readonly title: string;
  readonly before: KubeObject | null;
  readonly after: KubeObject | null;
  readonly is: Partial<Delta>;
}[] = [
  {
    title: "an annotation alone",
    before: policy("app"),
    after: policy("app", approved),
    is: { before: {}, after: approved, touchesContent: false, tiers: ["app"] },
  },
  {
    title: "an annotation alone of what kubectl applied",
    before: policy("app", applied("1")),
    after: policy("app", { ...applied("2"), ...approved }),
    is: { before: {}, after: approved, touchesContent: false },
  },
  {
    title: "an annotation, with more taken away than a record holds",
    before: calico("GlobalNetworkSet", many),
    after: calico("GlobalNetworkSet", {}, approved),
    is: { before: {}, after: approved, touchesContent: true, tiers: [] },
  },
  {
    title: "the ticket of something longer than a record holds",
    before: calico("GlobalNetworkSet", many, { ticket: "1" }),
    after: calico("GlobalNetworkSet", { nets: many.nets.slice(1) }, { ticket: "1" }),
    is: { before: { ticket: "1" }, after: { ticket: "1" }, touchesContent: true },
  },
  {
    title: "labels, which are content",
    before: policy("app"),
    after: { ...policy("app"), metadata: { name: "x", labels: { a: "b" } } },
    is: { touchesContent: true },
  },
  {
    title: "both tiers of a policy that leaves one",
    before: policy("security"),
    after: policy("app"),
    is: { touchesContent: true, tiers: ["security", "app"] },
  },
  {
    title: "the default tier of a policy that names none any more",
    before: policy("security"),
    after: policy(undefined),
    is: { tiers: ["security", "default"] },
  },
  {
    title: "what was made",
    before: null,
    after: policy("app", approved),
    is: { before: null, after: approved, touchesContent: true, tiers: ["app"] },
  },
  {
    title: "what was deleted",
    before: policy("app", approved),
    after: null,
    is: { before: approved, after: null, touchesContent: true, tiers: ["app"] },
  },
  {
    title: "a tier itself",
    before: calico("Tier", { order: 1 }),
    after: calico("Tier", { order: 2 }),
    is: { tiers: ["x"] },
  },
];

describe("a judgement is told of", () => {
  for (const { title, before, after, is } of cases)
    it(title, () => {
      const ledger = new Ledger();
      if (before !== null) ledger.take([upsert(before)]);
      const [step] = ledger.take([after === null ? remove(before ?? assert.fail()) : upsert(after)]);
      const delta = deltaOf(step ?? assert.fail("no step"));
      assert.deepEqual({ ...delta, ...is }, delta);
    });
});

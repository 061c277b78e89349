import assert from "node:assert/strict";
import type { OwnerReference } from "../../core/kube/objects.ts";
import { podFactsOf } from "../../enrichers/pod-facts.ts";
import { Workloads } from "../../enrichers/workload.ts";
import { ownedBy, ownedObject, podObject, remove, upsert } from "../support/objects.ts";

const hash = { "pod-template-hash": "5d8f7c9b4" };

const cases: readonly {
  readonly title: string;
  readonly pod: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: OwnerReference;
  readonly objects?: Parameters<Workloads["update"]>[0];
  readonly workload: string;
  /** Whether it may still become known better. */
  readonly open?: true;
}[] = [
  {
    title: "a pod of a ReplicaSet of a Deployment",
    pod: "web-5d8f7c9b4-x2x9z",
    owner: ownedBy("ReplicaSet", "web-5d8f7c9b4"),
    objects: [upsert(ownedObject("ReplicaSet", "shop/web-5d8f7c9b4", ownedBy("Deployment", "web-main")))],
    workload: "Deployment web-main",
  },
  {
    title: "a ReplicaSet not known is a Deployment's if it bears the template hash",
    pod: "web-5d8f7c9b4-x2x9z",
    labels: hash,
    owner: ownedBy("ReplicaSet", "web-5d8f7c9b4"),
    workload: "Deployment web",
    open: true,
  },
  {
    title: "a Rollout's hash names a Rollout",
    pod: "web-abc-x2x9z",
    labels: { "rollouts-pod-template-hash": "abc" },
    owner: ownedBy("ReplicaSet", "web-abc"),
    workload: "Rollout web",
    open: true,
  },
  {
    title: "a ReplicaSet not known and without hash stands for itself",
    pod: "web-x2x9z",
    owner: ownedBy("ReplicaSet", "web"),
    workload: "ReplicaSet web",
    open: true,
  },
  {
    title: "a ReplicaSet that nobody owns is the workload",
    pod: "web-5d8f7c9b4-x2x9z",
    labels: hash,
    owner: ownedBy("ReplicaSet", "web-5d8f7c9b4"),
    objects: [upsert(ownedObject("ReplicaSet", "shop/web-5d8f7c9b4"))],
    workload: "ReplicaSet web-5d8f7c9b4",
  },
  {
    title: "a ReplicaSet of another namespace does not count",
    pod: "web-5d8f7c9b4-x2x9z",
    labels: hash,
    owner: ownedBy("ReplicaSet", "web-5d8f7c9b4"),
    objects: [upsert(ownedObject("ReplicaSet", "other/web-5d8f7c9b4", ownedBy("Deployment", "theirs")))],
    workload: "Deployment web",
    open: true,
  },
  {
    title: "a ReplicaSet that is gone does not count",
    pod: "web-x",
    owner: ownedBy("ReplicaSet", "web"),
    objects: [
      upsert(ownedObject("ReplicaSet", "shop/web", ownedBy("Deployment", "web"))),
      remove(ownedObject("ReplicaSet", "shop/web")),
    ],
    workload: "ReplicaSet web",
    open: true,
  },
  { title: "a StatefulSet", pod: "db-0", owner: ownedBy("StatefulSet", "db"), workload: "StatefulSet db" },
  { title: "a DaemonSet", pod: "agent-x", owner: ownedBy("DaemonSet", "agent"), workload: "DaemonSet agent" },
  {
    title: "a Job of a CronJob",
    pod: "backup-28394850-x",
    owner: ownedBy("Job", "backup-28394850"),
    objects: [upsert(ownedObject("Job", "shop/backup-28394850", ownedBy("CronJob", "backup")))],
    workload: "CronJob backup",
  },
  { title: "a Job not known", pod: "once-x", owner: ownedBy("Job", "once"), workload: "Job once", open: true },
  { title: "a controller of another kind", pod: "x-1", owner: ownedBy("Kafka", "main"), workload: "Kafka main" },
  { title: "a static pod is itself", pod: "etcd-n1", owner: ownedBy("Node", "n1"), workload: "Pod etcd-n1" },
  { title: "a bare pod is itself", pod: "debug", workload: "Pod debug" },
  {
    title: "a pod without owner that bears a template hash is a Deployment's",
    pod: "web-5d8f7c9b4-x2x9z",
    labels: hash,
    workload: "Deployment web",
    open: true,
  },
  { title: "a hash that the name does not bear says nothing", pod: "web", labels: hash, workload: "Pod web" },
];

describe("enrichers/workload", () => {
  for (const { title, pod, labels = {}, owner, objects = [], workload, open } of cases) {
    it(title, () => {
      const workloads = new Workloads();
      workloads.update(objects);
      const parts = owner === undefined ? { labels } : { labels, owner };
      const { kind, name, final } = workloads.of(podFactsOf(podObject(`shop/${pod}`, parts)));
      assert.deepEqual({ workload: `${kind} ${name}`, final }, { workload, final: open !== true });
    });
  }

  it("of several owners the controller counts", () => {
    const others = [{ apiVersion: "v1", kind: "Other", name: "first" }, ownedBy("StatefulSet", "db")];
    const object = podObject("shop/db-0");
    const facts = podFactsOf({ ...object, metadata: { ...object.metadata, ownerReferences: others } });
    assert.deepEqual(new Workloads().of(facts), { kind: "StatefulSet", name: "db", final: true });
  });
});

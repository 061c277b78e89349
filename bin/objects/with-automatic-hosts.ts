import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { ObjectSource } from "../../core/kube/watch.ts";
import { AutomaticHosts } from "../../policy/automatic-hosts.ts";

/** Wraps a source so that each Node has its host endpoint. */
export function withAutomaticHosts(source: ObjectSource): ObjectSource {
  return {
    name: source.name,
    async *watch(signal) {
      const hosts = new AutomaticHosts();
      for await (const changes of source.watch(signal)) yield hosts.after(changes);
    },
  };
}

/** The same of objects that were read once. */
export function andAutomaticHosts(objects: readonly KubeObject[]): readonly KubeObject[] {
  const changes = new AutomaticHosts().after(objects.map((object) => ({ type: "upsert", object })));
  const byKey = new Map(
    changes.flatMap((change) => (change.type === "upsert" ? [[keyOf(change.object), change.object] as const] : [])),
  );
  return [...byKey.values()];
}

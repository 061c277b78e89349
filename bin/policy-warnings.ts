import type { KubeObject } from "../core/kube/objects.ts";
import { readFact } from "../policy/kinds/read.ts";
import { World } from "../policy/world.ts";

/** What is accepted and yet not what its author may think. */
export interface Warning {
  readonly object: KubeObject;
  readonly field: string | null;
  readonly message: string;
}

/** All there are in a set of accepted objects. */
export function warningsOf(objects: readonly KubeObject[]): readonly Warning[] {
  const world = new World();
  world.apply(objects.map((object) => ({ type: "upsert", object })));
  const missing = new Set(world.missingTiers());
  return objects.flatMap((object) => {
    const read = readFact(object);
    if ("problems" in read || read.value.type !== "policy") return [];
    const { policy } = read.value;
    const tier = missing.has(policy.tier)
      ? [
          {
            object,
            field: "spec.tier",
            message: `nobody made tier ${policy.tier}: it comes last and denies by default`,
          },
        ]
      : [];
    const rules = (["ingress", "egress"] as const).flatMap((direction) =>
      (policy[direction] ?? [])
        .filter(({ notEnforced }) => notEnforced.length > 0)
        .map(({ index, notEnforced }) => ({
          object,
          field: `spec.${direction}[${index}]`,
          message: `${notEnforced.join(" and ")} is not enforced by this dataplane: the rule matches nothing`,
        })),
    );
    return [...tier, ...rules];
  });
}

import type { KubeObject } from "../../core/kube/objects.ts";
import type { ControlChange } from "../../core/records/change.ts";
import { readFact } from "../../policy/kinds/read.ts";
import type { Evidence } from "../evidence/sighting.ts";
import type { Annotations, JudgedChange } from "./judged.ts";

const ofAnnotations = "/metadata/annotations/";

/** What a record of a change says, for the judgement. */
export function judgedChange(
  id: string,
  control: ControlChange,
  foundAt: number,
  evidence: Evidence,
  object: KubeObject,
): JudgedChange {
  const { verb, kind, namespace, name, uid, diff, refused } = control;
  return {
    ...{ id, kind, namespace, name, uid, refused, foundAt, evidence },
    tier: tierOf(object),
    before: verb === "create" ? null : annotationsIn(control.before),
    after: verb === "delete" ? null : (object.metadata.annotations ?? {}),
    touchesContent: verb !== "update" || diff.length === 0 || diff.some(({ path }) => !path.startsWith(ofAnnotations)),
  };
}

/** Of a policy, and of a tier itself; of one that is not accepted, as it is written. */
function tierOf(object: KubeObject): string | null {
  const { apiVersion, kind, metadata } = object;
  if (kind === "Tier") return metadata.name;
  const read = readFact(object);
  if ("value" in read) return read.value.type === "policy" ? read.value.policy.tier : null;
  const { tier } = (object["spec"] ?? {}) as { readonly tier?: unknown };
  if (typeof tier === "string" && tier !== "") return tier;
  return apiVersion.startsWith("projectcalico.org/") && kind.endsWith("Policy") ? "default" : null;
}

/** None where the record leaves it out for its size: then no approval is found, and nothing is authorised by one. */
function annotationsIn(text: string | null): Annotations {
  const object = JSON.parse(text ?? "{}") as Partial<KubeObject>;
  return object.metadata?.annotations ?? {};
}

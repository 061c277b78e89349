import type { KubeObject } from "../../core/kube/objects.ts";
import { canonicalJson } from "../../policy/hash.ts";
import { readFact } from "../../policy/kinds/read.ts";
import { keptAnnotations } from "./decisive.ts";
import { objectOf, type Step, type Version } from "./ledger.ts";

/** What a judgement asks of a step, of all of it: its record leaves out what is long. */
export interface Delta {
  /** Null: there was none, or is none any more. */
  readonly before: Annotations | null;
  readonly after: Annotations | null;
  /** Whether anything but annotations is other than before. */
  readonly touchesContent: boolean;
  /** Of policies and tiers: the one it was in, and the one it is in. */
  readonly tiers: readonly string[];
}

export type Annotations = Readonly<Record<string, string>>;

export function deltaOf({ verb, before, after, object }: Step): Delta {
  const tiers = [before, after].flatMap((version) => (version === null ? [] : tierOf(objectOf(version))));
  return {
    before: before === null ? null : keptAnnotations(objectOf(before).metadata),
    // Of what carries labels the version has no annotations.
    after: after === null ? null : keptAnnotations(object.metadata),
    touchesContent: verb !== "update" || contentOf(before) !== contentOf(after),
    tiers: [...new Set(tiers)],
  };
}

function contentOf(version: Version | null): string | null {
  if (version === null) return null;
  const { metadata, ...rest } = objectOf(version);
  const { annotations: _, ...others } = metadata;
  return canonicalJson({ ...rest, metadata: others });
}

/** None where it is no matter of tiers; of a policy that is not accepted, as it is written. */
function tierOf(object: KubeObject): readonly string[] {
  const { apiVersion, kind, metadata } = object;
  if (kind === "Tier") return [metadata.name];
  const read = readFact(object);
  if ("value" in read) return read.value.type === "policy" ? [read.value.policy.tier] : [];
  const { tier } = (object["spec"] ?? {}) as { readonly tier?: unknown };
  if (typeof tier === "string" && tier !== "") return [tier];
  return apiVersion.startsWith("projectcalico.org/") && kind.endsWith("Policy") ? ["default"] : [];
}

import type { KubeObject } from "../../core/kube/objects.ts";
import { canonicalJson } from "../../policy/hash.ts";
import type { Json } from "../log/json-diff.ts";
import { masked } from "../log/masked.ts";
import { isNoise } from "../log/noise.ts";

/** What of an object decides, as canonical JSON: not its status, not what the server keeps of it, no secrets. */
export function decisiveText({ status: _, metadata, ...rest }: KubeObject): string {
  const { name, namespace, labels, finalizers = [], generation } = metadata;
  const of = {
    name,
    namespace,
    labels: labels ?? {},
    annotations: keptAnnotations(metadata),
    ...(finalizers.length === 0 ? {} : { finalizers }),
    // Of a CRD the schemas are not read; the server counts how often they were changed.
    ...(rest.kind === "CustomResourceDefinition" ? { generation } : {}),
  };
  return canonicalJson(masked(JSON.parse(canonicalJson({ ...rest, metadata: of })) as Json));
}

/** Those that somebody asked for. */
export function keptAnnotations({ annotations = {} }: KubeObject["metadata"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !isNoise(key)));
}

/** Of a pod of ours: where it runs and what; it comes and goes whole. */
export function podText({ apiVersion, kind, metadata, spec }: KubeObject): string {
  const { name, namespace, labels = {} } = metadata;
  const { nodeName, containers } = (spec ?? {}) as { readonly nodeName?: unknown; readonly containers?: unknown };
  const images = (Array.isArray(containers) ? (containers as readonly unknown[]) : []).map(imageOf);
  return canonicalJson({
    apiVersion,
    kind,
    metadata: { name, namespace, labels },
    spec: { nodeName, containers: images },
  });
}

function imageOf(container: unknown): unknown {
  const { name, image } = (container ?? {}) as { readonly name?: unknown; readonly image?: unknown };
  return { name, image };
}

import { createHash } from "node:crypto";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** Of what somebody asks an object to be, as far as everybody who sees it knows it: the same before it is stored and after. */
export function contentDigest(object: unknown): string {
  const { status: _, metadata, ...rest } = mapping(object);
  const { name, namespace, labels, annotations } = mapping(metadata);
  const kept = Object.entries(mapping(annotations)).filter(([key]) => key !== lastApplied);
  const asked = { name, namespace, labels: mapping(labels), annotations: Object.fromEntries(kept) };
  return createHash("sha256")
    .update(JSON.stringify({ ...rest, metadata: asked }, inOrder))
    .digest("hex");
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
  return isMapping ? (value as Readonly<Record<string, unknown>>) : {};
}

import { createHash } from "node:crypto";
import { within } from "./field.ts";

/** What the server writes, or whatever writes beside it: no part of what somebody asked for. */
const ofServer = new Set([
  "resourceVersion",
  "managedFields",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
  "uid",
]);
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** Of all that somebody may have asked an object to be: the same before it is stored and after. */
export function contentDigest(object: unknown): string {
  const { status: _, metadata, ...rest } = mapping(object);
  const kept = Object.entries(mapping(metadata)).filter(([field]) => !ofServer.has(field));
  const annotations = Object.entries(mapping(within(metadata, "annotations"))).filter(([key]) => key !== lastApplied);
  const content = { ...rest, metadata: { ...Object.fromEntries(kept), annotations: Object.fromEntries(annotations) } };
  return createHash("sha256").update(JSON.stringify(content, inOrder)).digest("hex");
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
  return isMapping ? (value as Readonly<Record<string, unknown>>) : {};
}

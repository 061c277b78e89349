import type { KubeObject, ObjectMeta } from "./objects.ts";
import { type Scope, scopeOf } from "./scope.ts";

/** What is wrong with one field; null if the object as a whole is meant. */
export interface Problem {
  readonly field: string | null;
  readonly message: string;
}

/** The object if it can be identified, with its namespace filled in, and everything that is wrong with it. */
export function readObject(value: unknown): { readonly object?: KubeObject; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const check = (good: boolean, field: string | null, message: string) => {
    if (!good) problems.push({ field, message });
    return good;
  };
  if (!isMapping(value)) return { problems: [{ field: null, message: "is no mapping" }] };
  const { apiVersion, kind, metadata } = value;
  const typed = [
    check(isText(apiVersion) && versionPattern.test(apiVersion), "apiVersion", "must be like v1 or apps/v1"),
    check(isText(kind) && /^[A-Z][A-Za-z0-9]*$/.test(kind), "kind", "must be a kind such as Pod"),
    check(isMapping(metadata), "metadata", "must be a mapping"),
  ].every((good) => good);
  if (!typed || !isMapping(metadata)) return { problems };
  const meta = readMetadata(metadata, String(apiVersion), String(kind), check);
  if (meta === undefined) return { problems };
  return { object: { ...value, apiVersion: String(apiVersion), kind: String(kind), metadata: meta }, problems };
}

type Check = (good: boolean, field: string | null, message: string) => boolean;

/** Metadata with the namespace it stands for; undefined if the object cannot be identified. */
function readMetadata(
  metadata: Record<string, unknown>,
  apiVersion: string,
  kind: string,
  check: Check,
): ObjectMeta | undefined {
  // `creationTimestamp: null` and its like is what generators write for "not set".
  const given = Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null));
  const { name, namespace } = given;
  if (!check(isText(name) && name !== "", "metadata.name", "is missing")) return undefined;
  if (!check(namespace === undefined || isText(namespace), "metadata.namespace", "must be text")) return undefined;
  check(
    nameIsGood(String(name), apiVersion),
    "metadata.name",
    `"${String(name).slice(0, 80)}" is no name of an object`,
  );
  checkNamespace(namespace === undefined ? undefined : String(namespace), scopeOf(apiVersion, kind), kind, check);
  for (const field of ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"])
    check(given[field] === undefined || isText(given[field]), `metadata.${field}`, "must be text");
  checkLabels(given["labels"], check);
  checkAnnotations(given["annotations"], check);
  checkOwners(given["ownerReferences"], check);
  const home = namespace === undefined && scopeOf(apiVersion, kind) === "namespace" ? { namespace: "default" } : {};
  return { ...given, ...home } as unknown as ObjectMeta;
}

// Syntax: k8s.io/apimachinery/pkg/util/validation. Names of RBAC objects may hold anything that a path segment can.
const versionPattern = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[0-9]+((alpha|beta)[0-9]+)?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualified = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

function nameIsGood(name: string, apiVersion: string): boolean {
  if (apiVersion.startsWith("rbac.authorization.k8s.io/")) return !/[/%]/.test(name) && name !== "." && name !== "..";
  return name.length <= 253 && subdomain.test(name);
}

function checkNamespace(namespace: string | undefined, scope: Scope, kind: string, check: Check): void {
  if (namespace === undefined) return;
  if (!check(scope !== "cluster", "metadata.namespace", `a ${kind} is in no namespace`)) return;
  check(
    namespace.length <= 63 && label.test(namespace),
    "metadata.namespace",
    `"${namespace.slice(0, 80)}" is no namespace`,
  );
}

function checkLabels(labels: unknown, check: Check): void {
  if (labels === undefined || !check(isMapping(labels), "metadata.labels", "must be a mapping")) return;
  for (const [key, value] of Object.entries(labels as Record<string, unknown>)) {
    const field = `metadata.labels[${key.slice(0, 80)}]`;
    check(keyIsGood(key), field, "is no label key");
    if (check(isText(value), field, "must be text; put it in quotes"))
      check(value === "" || partIsGood(String(value)), field, `"${String(value).slice(0, 80)}" is no label value`);
  }
}

const partIsGood = (text: string) => text.length <= 63 && qualified.test(text);

/** `app` or `app.kubernetes.io/name` */
function keyIsGood(key: string): boolean {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  return partIsGood(key.slice(slash + 1)) && (prefix === undefined || (prefix.length <= 253 && subdomain.test(prefix)));
}

function checkAnnotations(annotations: unknown, check: Check): void {
  if (annotations === undefined || !check(isMapping(annotations), "metadata.annotations", "must be a mapping")) return;
  for (const [key, value] of Object.entries(annotations as Record<string, unknown>))
    check(isText(value), `metadata.annotations[${key.slice(0, 80)}]`, "must be text; put it in quotes");
}

function checkOwners(owners: unknown, check: Check): void {
  if (owners === undefined || !check(Array.isArray(owners), "metadata.ownerReferences", "must be a list")) return;
  for (const [index, owner] of (owners as readonly unknown[]).entries()) {
    const named = isMapping(owner) && ["apiVersion", "kind", "name"].every((field) => isText(owner[field]));
    check(named, `metadata.ownerReferences[${index}]`, "must have apiVersion, kind and name");
  }
}

const isText = (value: unknown): value is string => typeof value === "string";
const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

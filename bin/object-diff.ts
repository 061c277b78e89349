import { type KubeObject, keyOf } from "../core/kube/objects.ts";

/** How an object differs between two states; for one that changed, one entry for each field. */
export interface Difference {
  readonly change: "added" | "removed" | "changed";
  /** `NetworkPolicy prod-shop/app.web` */
  readonly object: string;
  readonly apiVersion: string;
  /** Path of the field, e.g. `spec.ingress[0].action`; null for whole objects. */
  readonly field: string | null;
  /** Null: the field was not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** By name of the object, then by field. What servers write (status and bookkeeping) does not count. */
export function differencesOf(before: readonly KubeObject[], after: readonly KubeObject[]): readonly Difference[] {
  const [old, now] = [before, after].map((objects) => new Map(objects.map((object) => [keyOf(object), object])));
  const keys = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].sort();
  return keys.flatMap((key) => ofObject(old?.get(key), now?.get(key)));
}

function ofObject(old: KubeObject | undefined, now: KubeObject | undefined): readonly Difference[] {
  const either = now ?? old;
  if (either === undefined) return [];
  const { name, namespace } = either.metadata;
  const object = `${either.kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
  const about = { object, apiVersion: either.apiVersion };
  if (old === undefined) return [{ ...about, change: "added", field: null, before: null, after: null }];
  if (now === undefined) return [{ ...about, change: "removed", field: null, before: null, after: null }];
  return fields(written(old), written(now), "").map((field) => ({ ...about, change: "changed", ...field }));
}

type FieldDifference = Pick<Difference, "field" | "before" | "after">;

function fields(old: unknown, now: unknown, path: string): readonly FieldDifference[] {
  if (isMapping(old) && isMapping(now)) {
    const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
    return names.flatMap((name) => fields(old[name], now[name], path === "" ? name : `${path}.${name}`));
  }
  if (Array.isArray(old) && Array.isArray(now) && [...old, ...now].some(isMapping)) {
    const length = Math.max(old.length, now.length);
    return Array.from({ length }, (_, at) => fields(old[at], now[at], `${path}[${at}]`)).flat();
  }
  if (JSON.stringify(old) === JSON.stringify(now)) return [];
  return [{ field: path, before: old ?? null, after: now ?? null }];
}

/** What people write of an object. */
function written({ status: _, metadata, ...rest }: KubeObject): unknown {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  return { ...rest, metadata: { name, namespace, labels, annotations } };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

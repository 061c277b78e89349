import type { KubeObject } from "../../../core/kube/objects.ts";
import type { Contest } from "./contest.ts";

/** Enough for the worlds of arbitrary-objects.ts; what is left then is small enough to read. */
const maxAttempts = 2000;

/** Takes away whatever can go without the contest ceasing to fail, until nothing can. */
export async function minimal(contest: Contest, fails: (smaller: Contest) => Promise<boolean>): Promise<Contest> {
  let attempts = 0;
  let smallest = contest;
  for (let progress = true; progress; ) {
    progress = false;
    for (const candidate of smallerThan(smallest)) {
      if (++attempts > maxAttempts) return smallest;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      progress = true;
      break;
    }
  }
  return smallest;
}

function* smallerThan(contest: Contest): Iterable<Contest> {
  const { objects, beyondSecond, deny, podToHost } = contest;
  if (beyondSecond.length > 0) yield { ...contest, beyondSecond: [] };
  if (podToHost !== "policy") yield { ...contest, podToHost: "policy" };
  if (deny === "reject") yield { ...contest, deny: "drop" };
  for (const at of objects.keys()) yield { ...contest, objects: objects.toSpliced(at, 1) };
  for (const [at, object] of objects.entries())
    for (const smaller of smallerObjects(object)) yield { ...contest, objects: objects.with(at, smaller) };
}

function* smallerObjects(object: KubeObject): Iterable<KubeObject> {
  const { metadata } = object;
  for (const labels of without(metadata.labels)) yield { ...object, metadata: { ...metadata, labels } } as KubeObject;
  for (const spec of without(object["spec"])) yield { ...object, spec };
}

/** The same with one element or property less, somewhere. */
function* without(value: unknown): Iterable<unknown> {
  if (Array.isArray(value)) {
    for (const at of value.keys()) yield value.toSpliced(at, 1);
    for (const [at, part] of value.entries()) for (const smaller of without(part)) yield value.with(at, smaller);
  } else if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    for (const [key] of entries) yield Object.fromEntries(entries.filter(([other]) => other !== key));
    for (const [key, part] of entries) for (const smaller of without(part)) yield { ...value, [key]: smaller };
  }
}

// admission.k8s.io/v1, as far as it is read; all else is passed over:
//   AdmissionReview => { kind: "AdmissionReview", request }
//   request => { uid resource{group version resource} [subResource] [name] [namespace] operation userInfo{username groups} [object] [oldObject]
//                [dryRun] [options{fieldManager}] }
import { createHash } from "node:crypto";
import { z } from "zod";
import { contentDigest } from "../../core/kube/content-digest.ts";
import type { Deed, DeedTarget, DeedVerb } from "../../core/kube/deed.ts";
import { textIn, within } from "../../core/kube/field.ts";
import { cut, maxGroups } from "./bounds.ts";
import type { AuditEvent } from "./event.ts";

export interface AdmissionReview {
  readonly uid: string;
  /** As if the audit had told of it: somebody is about to do it. */
  readonly event: AuditEvent;
}

const place = z.object({ group: z.string(), version: z.string(), resource: z.string() });
const reviewSchema = z.object({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: z.object({
    uid: z.string().min(1).max(128),
    resource: place,
    subResource: z.string().optional(),
    name: z.string().optional(),
    namespace: z.string().optional(),
    operation: z.string(),
    userInfo: z.object({ username: z.string().default(""), groups: z.array(z.string()).nullish() }),
    object: z.unknown().optional(),
    oldObject: z.unknown().optional(),
    dryRun: z.boolean().nullish(),
    options: z.unknown().optional(),
  }),
});
type Request = z.output<typeof reviewSchema>["request"];

const verbs: Readonly<Record<string, DeedVerb>> = { CREATE: "create", UPDATE: "update", DELETE: "delete" };

/** Undefined if it is none. */
export function readAdmissionReview(body: string, now: number): AdmissionReview | undefined {
  const read = reviewSchema.safeParse(parsed(body));
  if (!read.success) return undefined;
  const { request } = read.data;
  const key = createHash("sha256").update(`admission ${request.uid}`).digest("hex").slice(0, 32);
  return { uid: request.uid, event: { key, at: now, userAgent: null, deeds: deedsOf(request, key, now) } };
}

/** It is never refused: only what is seen. */
export function admissionAnswer(uid: string): string {
  const response = { uid, allowed: true };
  return JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response });
}

function deedsOf(request: Request, id: string, now: number): readonly Deed[] {
  const { operation, userInfo, options, object, uid, dryRun } = request;
  const verb = Object.hasOwn(verbs, operation) ? verbs[operation] : undefined;
  if (verb === undefined || dryRun === true) return [];
  const fieldManager = textIn(options, "fieldManager");
  return [
    {
      id,
      requestId: uid,
      toldBy: "admission",
      from: now,
      to: now,
      verb,
      who: {
        user: cut(userInfo.username, "name"),
        groups: (userInfo.groups ?? []).slice(0, maxGroups).map((group) => cut(group, "name")),
        impersonated: null,
        addresses: [],
        userAgent: null,
        fieldManager: fieldManager === undefined || fieldManager === "" ? null : cut(fieldManager, "name"),
      },
      target: targetOf(request),
      refusal: null,
      tier: null,
      content: verb === "delete" || object == null ? null : digestOf(object),
    },
  ];
}

function targetOf({ resource, subResource, name, namespace, object, oldObject }: Request): DeedTarget {
  const metadata = within(object ?? oldObject, "metadata");
  const isNamespace = resource.group === "" && resource.resource === "namespaces";
  const text = (value: string | undefined) => (value === undefined || value === "" ? null : cut(value, "name"));
  return {
    group: cut(resource.group, "name"),
    version: cut(resource.version, "name"),
    resource: cut(resource.resource, "name"),
    subresource: text(subResource),
    namespace: isNamespace ? null : text(namespace),
    name: text(textIn(metadata, "name") ?? name),
    uid: text(textIn(metadata, "uid")),
    resourceVersion: null,
  };
}

function digestOf(object: unknown): string | null {
  try {
    return contentDigest(object);
  } catch {
    return null; // deeper than the stack
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

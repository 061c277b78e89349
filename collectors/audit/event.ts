// audit.k8s.io/v1, as far as it is read; all else is passed over:
//   EventList => { kind: "EventList", items: [Event] }
//   Event     => { auditID stage verb user requestURI requestReceivedTimestamp stageTimestamp
//                  [impersonatedUser] [sourceIPs] [userAgent] [objectRef] [responseStatus] [requestObject] [responseObject] [annotations] }
// Clients have a say in nearly all of it: names, user agents, forwarded addresses, even the audit ID (header Audit-ID). So what is
// long is cut rather than refused, or a long user agent would hide what was done, and two requests of one audit ID are two.
import { createHash } from "node:crypto";
import { z } from "zod";
import { parseTime } from "../../core/clock.ts";
import type { Deed, DeedTarget, DeedVerb, Refusal, Requester } from "../../core/kube/deed.ts";
import { textIn, within } from "../../core/kube/field.ts";
import { askedText, cut, maxGroups } from "./bounds.ts";

/** One event that tells of a request to change something that is done with. */
export interface AuditEvent {
  /** Of the event: who tells it again tells it with the same. */
  readonly key: string;
  /** When the request was answered. */
  readonly at: number;
  readonly userAgent: string | null;
  /** One, or one for each object of a deletecollection; none if nothing was to be changed by it (reads, dry runs, failures). */
  readonly deeds: readonly Deed[];
}

const time = z.string().transform((text, context) => {
  const ms = parseTime(text);
  if (ms === undefined) context.addIssue("is no time");
  return ms ?? 0;
});
const person = z.object({ username: z.string().default(""), groups: z.array(z.string()).nullish() });
const place = z.object({
  resource: z.string().default(""),
  namespace: z.string().optional(),
  name: z.string().optional(),
  uid: z.string().optional(),
  apiGroup: z.string().default(""),
  apiVersion: z.string().default(""),
  subresource: z.string().optional(),
});
const result = z.object({ code: z.int().default(0), message: z.string().default(""), details: z.unknown().optional() });

const eventSchema = z.object({
  auditID: z.string(),
  stage: z.enum(["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]),
  requestURI: z.string(),
  verb: z.string(),
  user: person,
  impersonatedUser: person.nullish(),
  sourceIPs: z.array(z.string()).nullish(),
  userAgent: z.string().nullish(),
  objectRef: place.nullish(),
  responseStatus: result.nullish(),
  requestObject: z.unknown().optional(),
  responseObject: z.unknown().optional(),
  requestReceivedTimestamp: time,
  stageTimestamp: time,
  annotations: z.record(z.string(), z.string()).nullish(),
});
type Event = z.output<typeof eventSchema>;

/** Verbs that change something, by what they do to each object. */
const changing: Readonly<Record<string, DeedVerb>> = {
  create: "create",
  update: "update",
  patch: "patch",
  delete: "delete",
  deletecollection: "delete",
};

/** What a value says if it is an event; undefined if it is none. */
export function readEvent(value: unknown): AuditEvent | undefined {
  const read = eventSchema.safeParse(value);
  if (!read.success) return undefined;
  const event = read.data;
  const key = keyOf(event, value);
  return {
    key,
    at: event.stageTimestamp,
    userAgent: event.userAgent == null ? null : cut(event.userAgent, "text"),
    deeds: deedsOf(event, key),
  };
}

/** Times as they are written: they are exact to the microsecond there. */
function keyOf({ auditID, stage, verb, requestURI, user }: Event, value: unknown): string {
  const times = ["requestReceivedTimestamp", "stageTimestamp"].map((field) => textIn(value, field));
  const content = JSON.stringify([auditID, stage, verb, requestURI, user.username, ...times]);
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}

function deedsOf(event: Event, key: string): readonly Deed[] {
  const verb = Object.hasOwn(changing, event.verb) ? changing[event.verb] : undefined;
  const isOver = event.stage === "ResponseComplete" || event.stage === "Panic";
  if (verb === undefined || !isOver || event.objectRef == null || isDryRun(event)) return [];
  const refusal = refusalOf(event);
  const code = event.responseStatus?.code ?? 0;
  if (refusal === null && (code < 200 || code > 299)) return []; // conflicts, mistakes: nothing was done, and nobody was kept from it
  const base: Omit<Deed, "id" | "target"> = {
    requestId: cut(event.auditID, "name"),
    toldBy: "audit",
    from: event.requestReceivedTimestamp,
    to: event.stageTimestamp,
    verb,
    who: requesterOf(event),
    refusal,
    tier: event.annotations?.["tier-rbac.projectcalico.org/tier"] ?? null,
    content: null,
  };
  const targets = targetsOf(event, event.objectRef);
  return targets.map((target, index) => ({ id: index === 0 ? key : `${key}/${index}`, ...base, target }));
}

function isDryRun({ requestURI, verb, requestObject }: Event): boolean {
  const query = requestURI.indexOf("?");
  if (query >= 0 && new URLSearchParams(requestURI.slice(query)).getAll("dryRun").includes("All")) return true;
  // Only deletions have options in their body; elsewhere a field `dryRun` is somebody's own.
  const options = verb.startsWith("delete") ? within(requestObject, "dryRun") : undefined;
  return Array.isArray(options) && options.includes("All");
}

function requesterOf({ user, impersonatedUser, sourceIPs, userAgent, requestURI }: Event): Requester {
  const query = requestURI.indexOf("?");
  const fieldManager = query < 0 ? null : new URLSearchParams(requestURI.slice(query)).get("fieldManager");
  return {
    user: cut(user.username, "name"),
    groups: (user.groups ?? []).slice(0, maxGroups).map((group) => cut(group, "name")),
    impersonated: impersonatedUser == null ? null : cut(impersonatedUser.username, "name"),
    addresses: (sourceIPs ?? []).slice(-16).map((address) => cut(address, "address")),
    userAgent: userAgent == null ? null : cut(userAgent, "text"),
    fieldManager: fieldManager === null ? null : cut(fieldManager, "name"),
  };
}

// k8s.io/apiserver: admission/plugin/webhook/errors (`admission webhook "x" denied the request`), and of policies
// `ValidatingAdmissionPolicy 'x' with binding 'y' denied request`, with reason Invalid (422) unless the policy names another.
const admissionSays = /\bdenied (?:the )?request\b/;

function refusalOf({ responseStatus, requestObject }: Event): Refusal | null {
  const { code = 0, message = "" } = responseStatus ?? {};
  const isByAdmission = code >= 400 && code <= 499 && admissionSays.test(message);
  if (code !== 401 && code !== 403 && !isByAdmission) return null;
  return {
    by: isByAdmission ? "admission" : "forbidden",
    code,
    message: cut(message, "text"),
    asked: askedText(requestObject),
  };
}

/** Of all objects that were deleted at once; of one, what the answer knows of it. */
function targetsOf(
  { verb, responseObject, responseStatus, ...event }: Event,
  ref: z.output<typeof place>,
): DeedTarget[] {
  const base = {
    group: cut(ref.apiGroup, "name"),
    version: cut(ref.apiVersion, "name"),
    resource: cut(ref.resource, "name"),
    subresource: ref.subresource === undefined ? null : cut(ref.subresource, "name"),
  };
  const isNamespace = ref.apiGroup === "" && ref.resource === "namespaces";
  const place = (metadata: unknown) => ({
    // A namespace is in no namespace, but its path is read as if it were in itself.
    namespace: isNamespace ? null : named(textIn(metadata, "namespace") ?? ref.namespace),
    name: named(textIn(metadata, "name") ?? ref.name),
    uid: named(textIn(metadata, "uid") ?? ref.uid),
    resourceVersion: named(textIn(metadata, "resourceVersion")),
  });
  const items = verb === "deletecollection" ? within(responseObject, "items") : undefined;
  if (Array.isArray(items)) return items.map((item) => ({ ...base, ...place(within(item, "metadata")) }));
  // Of what is gone the answer is a Status, whose details name it.
  const details = within(responseObject, "details") ?? responseStatus?.details;
  const isStatus = textIn(responseObject, "kind") === "Status" || responseObject == null;
  const asked = within(event.requestObject, "metadata");
  const known = isStatus ? details : within(responseObject, "metadata");
  return [
    { ...base, ...place(known), ...(isStatus && ref.name === undefined ? { name: named(textIn(asked, "name")) } : {}) },
  ];
}

function named(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : cut(text, "name");
}

import type { Deed, Requester } from "../../core/kube/deed.ts";
import type { Actor, ApiRequest } from "../../core/records/change.ts";
import { whoText } from "../who-text.ts";
import type { Evidence } from "./sighting.ts";

/** Who did it, as change records tell. */
export interface Authorship {
  readonly actor: Actor | null;
  readonly request: ApiRequest | null;
  /** What the fields cannot tell. */
  readonly notes: readonly string[];
}

/** `fieldManager`: who the object itself says changed it last, for what nobody told of. */
export function authorshipOf({ certainty, deed, also, cause }: Evidence, fieldManager: string | null): Authorship {
  if (deed === null) {
    const notes = certainty === "ambiguous" ? [`may have been done by ${namesOf(also)}`] : [];
    return { actor: null, request: fieldManager === null ? null : { ...nothing, fieldManager }, notes };
  }
  return {
    actor: actorOf(deed.who),
    request: requestOf(deed, fieldManager),
    notes: [
      ...(certainty === "likely" ? [likelyText(deed)] : []),
      ...also.map(({ who, verb }) => `before it was seen: ${verb} by ${whoText(who)}`),
      ...(cause === null ? [] : [`the namespace was deleted by ${whoText(cause.who)}`]),
      ...forwarded(deed.who),
    ],
  };
}

/** Of what was refused. */
export function authorshipOfDeed(deed: Deed): Authorship {
  return authorshipOf({ certainty: "exact", deed, also: [], cause: null }, null);
}

const nothing: ApiRequest = {
  groups: [],
  sourceAddress: null,
  userAgent: null,
  impersonatedBy: null,
  fieldManager: null,
  auditId: null,
};

function actorOf({ user, impersonated, userAgent }: Requester): Actor {
  const program = /^\S+/.exec(userAgent ?? "")?.[0] ?? "";
  const processes = { pid: null, commandLine: null, uid: null, login: null, container: null, ancestors: [] };
  return { ...processes, program, user: impersonated ?? user };
}

/** The last address is the only one that the API server saw itself. */
function requestOf({ who, requestId, toldBy }: Deed, fieldManager: string | null): ApiRequest {
  return {
    groups: who.groups,
    sourceAddress: who.addresses.at(-1) ?? null,
    userAgent: who.userAgent,
    impersonatedBy: who.impersonated === null ? null : who.user,
    fieldManager: who.fieldManager ?? fieldManager,
    auditId: toldBy === "audit" ? requestId : null,
  };
}

function likelyText({ toldBy }: Deed): string {
  return toldBy === "admission"
    ? "who did it is known from admission: the user is the one who was impersonated, if anybody was"
    : "who did it is likely: the only one who asked to at that time";
}

function forwarded({ addresses }: Requester): readonly string[] {
  return addresses.length < 2 ? [] : [`forwarded for ${addresses.slice(0, -1).join(", ")}, as the client says`];
}

function namesOf(deeds: readonly Deed[]): string {
  return [...new Set(deeds.map(({ who }) => whoText(who)))].sort().join(" or ");
}

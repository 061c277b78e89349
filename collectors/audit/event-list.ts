import { SluiceError } from "../../core/errors.ts";
import { textIn, within } from "../../core/kube/field.ts";
import { type AuditEvent, readEvent } from "./event.ts";

export interface AuditEvents {
  readonly events: readonly AuditEvent[];
  /** Items that are no events. */
  readonly malformed: number;
}

/** Reads what a webhook of the API server is sent. Throws DECODE_FAILED if it is no list of events. */
export function readEventList(body: string): AuditEvents {
  const list = parsed(body);
  const items = within(list, "items");
  const isList = textIn(list, "kind") === "EventList" && textIn(list, "apiVersion") === "audit.k8s.io/v1";
  if (!isList || !Array.isArray(items))
    throw new SluiceError("DECODE_FAILED", "audit: the body is no EventList of audit.k8s.io/v1");
  return eventsOf(items);
}

/** Reads lines of an audit log in the format `json`. */
export function readEventLines(lines: readonly string[]): AuditEvents {
  return eventsOf(lines.filter((line) => line.trim() !== "").map(orUndefined));
}

function eventsOf(items: readonly unknown[]): AuditEvents {
  const events = items.map(readEvent).filter((event) => event !== undefined);
  return { events, malformed: items.length - events.length };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new SluiceError("DECODE_FAILED", "audit: the body is no JSON", { cause });
  }
}

function orUndefined(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

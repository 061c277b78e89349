import type { ChangeRecord } from "../../../core/records/change.ts";
import { kindFields } from "./common-fields.ts";
import { controlFields, requestFields } from "./control-fields.ts";
import { constant, type DocumentField, derived, stored } from "./field.ts";
import { list, number, numberAsText, text, textIfAny, time, word } from "./forms.ts";

const few = ["keyword", "few"] as const;
const cluster = ["keyword", "cluster"] as const;
const words = ["text", "unbounded"] as const;
const moment = ["date_nanos", "unbounded"] as const;

export const changeFields: readonly DocumentField<ChangeRecord>[] = [
  ...kindFields<ChangeRecord>("change", "event", ["configuration"]),
  constant("event.type", ["change"], "In the words of ECS."),
  stored("event.id", ["keyword", "unbounded"], "id", text, "The record's id; the document's `_id` too."),
  stored("orchestrator.cluster.name", few, "cluster", text, "Name of the cluster."),
  stored("observer.name", cluster, "node", text, "Where it was done; absent for objects of the API server."),
  stored("@timestamp", moment, "start", time, "The last moment at which all was surely as wanted."),
  stored("event.created", moment, "foundAt", time, "When it was found."),
  stored("event.end", moment, "end", time, "When all was as wanted again; absent: not while it was watched."),
  derived("event.duration", ["long", "unbounded"], durationOf, "From @timestamp to event.end, nanoseconds."),
  stored("event.action", few, "kind", word, "What kind of change: tamper, rollout, …"),
  derived("event.outcome", few, outcomeOf, "success (repaired), failure (unrepaired), unknown."),
  stored("message", words, "summary", text, "How, in words."),
  stored("process.pid", ["long", "unbounded"], "actor.pid", number, "Who did it, in the node's own numbering."),
  stored("process.name", cluster, "actor.program", text, "Its program."),
  stored("process.command_line", ["keyword", "unbounded"], "actor.commandLine", text, "Its command line."),
  stored("user.id", cluster, "actor.uid", numberAsText, "Its user."),
  stored("user.name", cluster, "actor.user", text, "The name of its user."),
  stored("container.id", ["keyword", "unbounded"], "actor.container", text, "Its container."),
  stored("sluice.change.login", cluster, "actor.login", text, "Who logged in, before su or sudo."),
  stored("sluice.change.ancestors", cluster, "actor.ancestors", list, "What started it, what started that, …"),
  stored("sluice.change.object", cluster, "object", text, "What was changed."),
  stored("sluice.change.diff", words, "diff", list, "- wanted and not there, + found and not wanted."),
  stored("sluice.change.outcome", few, "outcome", word, "repaired, unrepaired, unknown."),
  stored("sluice.change.outcome_detail", words, "outcomeDetail", textIfAny, "What was done about it, in words."),
  ...requestFields,
  ...controlFields,
];

const outcomes = { repaired: '"success"', unrepaired: '"failure"', unknown: '"unknown"' } as const;

function outcomeOf({ outcome }: ChangeRecord): string {
  return outcomes[outcome];
}

function durationOf({ start, end }: ChangeRecord): string | undefined {
  if (end === null || end < start || end - start > 9.2e15) return undefined;
  return end === start ? "0" : `${end - start}000`;
}

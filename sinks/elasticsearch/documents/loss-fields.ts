import type { Loss } from "../../../core/records/loss.ts";
import { kindFields, numberedFields } from "./common-fields.ts";
import { type DocumentField, stored } from "./field.ts";
import { number, textIfAny, time, word } from "./forms.ts";

const moment = ["date_nanos", "unbounded"] as const;

export const lossFields: readonly DocumentField<Loss>[] = [
  ...kindFields<Loss>("loss", "event", null),
  ...numberedFields<Loss>(),
  stored("@timestamp", moment, "start", time, "Begin of the span in which it happened."),
  stored("event.end", moment, "end", time, "Its end."),
  stored("sluice.loss.source", ["keyword", "few"], "source", word, "conntrack, nflog, decode, queue, limit, dns."),
  stored(
    "sluice.loss.count",
    ["long", "unbounded"],
    "count",
    number,
    "How many; absent where the kernel does not say.",
  ),
  stored("sluice.loss.detail", ["text", "cluster"], "detail", textIfAny, "What happened, in words."),
];

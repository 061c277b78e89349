import { plural } from "../sinks/live/text.ts";
import type { Trace } from "./trace.ts";

/** Traces for people: the verdict first, then how it came about. */
export function renderTrace(traces: readonly Trace[]): string {
  return traces.map(renderOne).join("\n");
}

function renderOne(trace: Trace): string {
  const word = trace.protocol.startsWith("ICMP") ? "type" : "port";
  const service = trace.port === null ? trace.protocol : `${trace.protocol} ${word} ${trace.port}`;
  const title = `${verdictWord(trace.action)}  ${trace.from} -> ${trace.to}  ${service}`;
  return `${[title, ...reasons(trace), ...pendingLines(trace)].join("\n")}\n`;
}

const verdictWord = (action: Trace["action"]) => (action === "allow" ? "ALLOW" : "DENY");

function reasons({ exempt, paths, action, from, to }: Trace): readonly string[] {
  if (exempt !== null) return [`  no policy is asked: ${exempt}`];
  const has = (direction: string) => paths.some((path) => path.direction === direction);
  const denied = paths.find((path) => path.outcome === "deny")?.direction;
  return [
    ...(has("egress") ? [] : [`  egress of ${from}: not subject to pod policies`]),
    ...paths.flatMap(pathLines),
    ...(has("ingress") ? [] : [`  ingress of ${to}: ${ingressWords(action, denied)}`]),
  ];
}

function ingressWords(action: Trace["action"], denied: string | undefined): string {
  return action === "deny" && denied === "egress" ? "not asked, egress denies already" : "not subject to pod policies";
}

function pathLines({ direction, endpoint, list, stages }: Trace["paths"][number]): readonly string[] {
  return [
    `  ${direction} of ${endpoint}${list === "normal" ? "" : `, ${listWords[list]}`}:`,
    ...stages.flatMap(({ title, details }, index) => [
      `    ${index + 1}. ${title}`,
      ...shown(details).map((line) => `         ${line}`),
    ]),
  ];
}

/** So many rules of a tier are told; `-o json` tells all. */
const maxDetails = 30;

function shown(details: readonly string[]): readonly string[] {
  const more = details.length - maxDetails;
  return more > 0 ? [...details.slice(0, maxDetails), `… and ${plural(more, "rule")} more`] : details;
}

const listWords: Readonly<Record<string, string>> = {
  answers: "answers of failsafe ports",
  failsafe: "failsafe ports",
  forward: "what it forwards",
  toOwnNode: "to its own node",
  preDnat: "before its destination is translated",
  untracked: "before connections are tracked",
};

function pendingLines({ pending, action }: Trace): readonly string[] {
  if (pending === null) return [];
  const by = pending.by.length === 0 ? "" : ` by ${pending.by.join("; ")}`;
  const change = pending.action === action ? "the same" : "a change";
  return [`  with everything staged in force: ${verdictWord(pending.action)}${by} (${change})`];
}

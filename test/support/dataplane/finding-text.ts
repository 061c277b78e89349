import { tryParseRuleId } from "../../../core/rule-id.ts";
import type { Program } from "../../../policy/program.ts";
import { protocolName } from "../../../policy/protocol.ts";
import type { Packet } from "../../../policy/verdict.ts";
import type { Answer } from "./answer.ts";
import type { Finding, Told } from "./finding.ts";
import { untellable } from "./untellable.ts";

/** What the three said about a packet, in lines for people. */
export function findingText({ packet, evaluator, memory, kernel }: Finding, program: Program): string {
  return [
    `  packet:    ${packetText(packet)}`,
    `  evaluator: ${answerText(evaluator, program)}`,
    `  in memory: ${memory === undefined ? "dropped, nobody says by whom" : answerText(memory, program)}`,
    `  kernel:    ${toldText(kernel, program)}`,
  ].join("\n");
}

function packetText({
  source,
  destination: to,
  protocol,
  sourcePort,
  destinationPort,
  icmp,
  translated,
}: Packet): string {
  const destination = translated === undefined ? to : `${translated.destination} = ${to}`;
  if (icmp !== null) return `${source} -> ${destination} ${protocolName(protocol)} type ${icmp.type} code ${icmp.code}`;
  return `${source} -> ${destination} ${protocolName(protocol)} ${sourcePort} -> ${destinationPort}`;
}

function toldText(told: Told, program: Program): string {
  switch (told.told) {
    case "yes":
      return answerText(told.answer, program);
    case "untracked":
      return `${answerText(told.answer, program)}, once it was not tracked`;
    case "no":
      return `not asked: ${untellable[told.why]}`;
    case "nonsense":
      return `nonsense: ${JSON.stringify(told.sighting)}`;
  }
}

function answerText(answer: Answer, program: Program): string {
  const log =
    answer.logged.length === 0 ? "" : `, logged by ${answer.logged.map((id) => ruleText(id, program)).join(", ")}`;
  if (answer.action === "deny") return `deny, ${answer.direction} ${ruleText(answer.because, program)}${log}`;
  if (answer.labels === undefined) return `allow, untracked${log}`;
  const { egress, ingress } = answer.labels;
  return `allow, egress ${ruleText(egress, program)}, ingress ${ruleText(ingress, program)}${log}`;
}

/** `id (tier|kind:namespace/name|rule)`, or the reason that stands in the place of a rule. */
function ruleText(because: string | null, { rules }: Program): string {
  if (because === null) return "nobody";
  const id = tryParseRuleId(because);
  const origin = id === undefined ? undefined : rules.get(id);
  if (origin === undefined) return because;
  const name = origin.namespace === null ? origin.name : `${origin.namespace}/${origin.name}`;
  return `${because} (${origin.tier}|${origin.kind}:${name}|${origin.rule})`;
}

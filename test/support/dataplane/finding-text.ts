import { type RuleId, tryParseRuleId } from "../../../core/rule-id.ts";
import type { Program } from "../../../policy/program.ts";
import { protocolName } from "../../../policy/protocol.ts";
import type { Packet } from "../../../policy/verdict.ts";
import type { Journey } from "../journey.ts";
import type { Fate } from "./fate.ts";
import type { Finding } from "./trial.ts";
import { untellable } from "./untellable.ts";

/** What the three said about a packet, in lines for people. */
export function findingText({ packet, evaluator, memory, kernel }: Finding, program: Program): string {
  return [
    `  packet:    ${packetText(packet)}`,
    `  evaluator: ${journeyText(evaluator, program)}`,
    `  in memory: ${journeyText(memory, program)}`,
    `  kernel:    ${typeof kernel === "string" ? `not asked: ${untellable[kernel]}` : fateText(kernel, program)}`,
  ].join("\n");
}

function packetText({ source, destination, protocol, sourcePort, destinationPort, icmp }: Packet): string {
  if (icmp !== null) return `${source} -> ${destination} ${protocolName(protocol)} type ${icmp.type} code ${icmp.code}`;
  return `${source} -> ${destination} ${protocolName(protocol)} ${sourcePort} -> ${destinationPort}`;
}

function journeyText({ action, egress, ingress, logged }: Journey, program: Program): string {
  return `${action}, egress ${ruleText(egress, program)}, ingress ${ruleText(ingress, program)}${loggedText(logged, program)}`;
}

function fateText(fate: Fate, program: Program): string {
  switch (fate.action) {
    case "allow": {
      if (fate.rules === undefined) return `allow, untracked${loggedText(fate.logged, program)}`;
      return journeyText({ ...fate, ...fate.rules }, program);
    }
    case "deny":
      return `deny, ${fate.direction} ${ruleText(fate.because, program)}${loggedText(fate.logged, program)}`;
    case "lost":
      return `lost: ${JSON.stringify(fate.sighting)}`;
  }
}

function loggedText(logged: readonly RuleId[], program: Program): string {
  return logged.length === 0 ? "" : `, logged by ${logged.map((rule) => ruleText(rule, program)).join(", ")}`;
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

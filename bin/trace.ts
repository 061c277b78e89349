import type { KubeObject } from "../core/kube/objects.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import { explainList, ruleTitle } from "../policy/explain.ts";
import { explainFailure } from "../policy/explain-match.ts";
import type { PolicyList, Program } from "../policy/program.ts";
import { protocolName } from "../policy/protocol.ts";
import { type ListTrace, type RuleTrace, type StageTrace, traceOf as tracerOf } from "../policy/trace.ts";
import type { Packet, Verdict } from "../policy/verdict.ts";
import type { World } from "../policy/world.ts";
import { type Connection, connectionsOf, type Question } from "./connections.ts";
import { decidersOf } from "./deciders.ts";

/** The answer for one destination (a Service has several). Keys as `-o json` prints them. */
export interface Trace {
  readonly action: "allow" | "deny";
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  /** Where the packet goes in the end, so of a Service the port of the pod; or the ICMP type. */
  readonly port: number | null;
  /** Why no policy was asked, in words; null if one was. */
  readonly exempt: string | null;
  /** The lists of policies that were asked, in order; up to the one that denied. */
  readonly paths: readonly PathTrace[];
  /** What would be if everything staged were in force; null where nothing is staged. */
  readonly pending: { readonly action: "allow" | "deny"; readonly by: readonly string[] } | null;
}

interface PathTrace {
  /** `shop/web-1`, `host endpoint node-1-eth0` */
  readonly endpoint: string;
  readonly list: PolicyList;
  readonly direction: ListTrace["direction"];
  readonly outcome: ListTrace["outcome"];
  readonly stages: readonly {
    readonly tier: string;
    readonly outcome: StageTrace["outcome"];
    /** What became of the packet here, and of each rule that was asked. */
    readonly title: string;
    readonly details: readonly string[];
    readonly policies: readonly {
      readonly kind: string;
      readonly namespace: string | null;
      readonly name: string;
      readonly rules: readonly {
        readonly rule: number;
        readonly outcome: RuleTrace["outcome"];
        readonly because: readonly string[];
        readonly notEnforced: readonly string[];
      }[];
    }[];
  }[];
}

/** Answers for every destination that `to` means. Throws USAGE for names that mean nothing. */
export function traceOf(world: World, objects: readonly KubeObject[], question: Question): readonly Trace[] {
  const program = world.program();
  const placement = world.placement();
  const trace = tracerOf(program, placement);
  const pending = pendingOf(world);
  return connectionsOf(placement, objects, question).map(({ from, to, port, packet }: Connection) => {
    const { verdict, paths } = trace(packet);
    return {
      action: verdict.action,
      from,
      to,
      protocol: protocolName(question.protocol),
      port,
      exempt: verdict.exempt === null ? null : exemptions[verdict.exempt],
      paths: paths.map((path) => pathTrace(path, program)),
      pending: pending(packet),
    };
  });
}

/** Why no policy is asked. */
export const exemptions: Readonly<Record<Exclude<Verdict["exempt"], null>, string>> = {
  self: "a pod always reaches itself",
  "own-node": "a node always reaches the pods that run on it",
};

function pendingOf(world: World): (packet: Packet) => Trace["pending"] {
  const { program, placement } = world.pending();
  if (program.revision === world.program().revision) return () => null;
  const evaluate = evaluatorOf(program, placement);
  return (packet) => {
    const verdict = evaluate(packet);
    return { action: verdict.action, by: decidersOf(verdict, program).map(ruleTitle) };
  };
}

function pathTrace(path: ListTrace, program: Program): PathTrace {
  const words = explainList(path, program);
  const { endpoint, list, direction, outcome, stages, packet } = path;
  return {
    endpoint: endpoint.replace(/^pod:/, "").replace(/^host:/, "host endpoint "),
    list,
    direction,
    outcome,
    stages: stages.map(({ tier, outcome, policies }, index) => ({
      tier,
      outcome,
      title: words[index]?.title ?? "",
      details: words[index]?.details ?? [],
      policies: policies.map(({ policy, rules }) => ({
        kind: policy.kind,
        namespace: policy.namespace,
        name: policy.name,
        rules: rules.map((rule) => ({
          rule: rule.index,
          outcome: rule.outcome,
          because: rule.because.map((match) => explainFailure(match, packet, program.sets)),
          notEnforced: rule.notEnforced,
        })),
      })),
    })),
  };
}

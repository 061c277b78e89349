import type { KubeObject } from "../core/kube/objects.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import { explainPath } from "../policy/explain.ts";
import { protocolName } from "../policy/protocol.ts";
import type { Path } from "../policy/verdict.ts";
import type { World } from "../policy/world.ts";
import { connectionsOf, type Question } from "./connections.ts";

/** The answer for one destination (a Service has several). */
export interface Trace {
  readonly action: "allow" | "deny";
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  /** Where the packet goes in the end, so of a Service the port of the pod; or the ICMP type. */
  readonly port: number | null;
  /** Why no policy was asked, in words; null if one was. */
  readonly exempt: string | null;
  /** Each way in words, step by step; null where that end is not subject to policy. */
  readonly egress: readonly string[] | null;
  readonly ingress: readonly string[] | null;
}

/** Answers for every destination that `to` means. Throws USAGE for names that mean nothing. */
export function traceOf(world: World, objects: readonly KubeObject[], question: Question): readonly Trace[] {
  const program = world.program();
  const placement = world.placement();
  const evaluate = evaluatorOf(program, placement);
  return connectionsOf(placement, objects, question).map(({ from, to, port, packet }) => {
    const verdict = evaluate(packet);
    const words = (path: Path | null) => (path === null ? null : explainPath(path, program.rules));
    return {
      action: verdict.action,
      from,
      to,
      protocol: protocolName(question.protocol),
      port,
      exempt: verdict.exempt === null ? null : exemptions[verdict.exempt],
      egress: words(verdict.egress),
      ingress: words(verdict.ingress),
    };
  });
}

const exemptions = {
  self: "a pod always reaches itself",
  "own-node": "a node always reaches the pods that run on it",
} as const;

import type { FlowEndpoint } from "../core/records/flow.ts";
import type { RuleOrigin } from "../policy/program.ts";
import type { Step } from "../policy/verdict.ts";

// step   => index "|" tier "|" kind ":" [namespace "/"] name "|" action "|" rule
// index  => position in the way through one direction's policies, from 0
// kind   => np | gnp | knp | snp | sgnp | sknp (staged, in pending ways only) | pro | unknown
// action => allow | deny | pass | log
// rule   => position in the policy's rule list | -1 (the tier's default) | -2 (not known)
// As Calico writes policies in flow logs (felix/calc/policy_lookup_cache.go).

/** The way through policies as texts. `endpoint` is whom the policies apply to; its namespace names the profile. */
export function stepTexts(
  steps: readonly Step[],
  originOf: (rule: Step["rule"]) => RuleOrigin | undefined,
  endpoint: FlowEndpoint,
): readonly string[] {
  return steps.map(({ rule, action }, index) => {
    const origin = originOf(rule);
    if (origin === undefined) return `${index}|__UNKNOWN__|unknown:${rule}|${action}|-2`;
    return stepText(index, origin, action, endpoint);
  });
}

export function stepText(index: number, origin: RuleOrigin, action: Step["action"], endpoint: FlowEndpoint): string {
  const rule = origin.kind === "pro" ? 0 : origin.rule;
  return `${index}|${origin.tier}|${origin.kind}:${nameOf(origin, endpoint)}|${action}|${rule}`;
}

/** The profile of a pod is that of its namespace, `kns.<namespace>`; one rule id serves all namespaces. */
function nameOf({ kind, namespace, name }: RuleOrigin, endpoint: FlowEndpoint): string {
  if (kind === "pro") return endpoint.namespace === null ? name : `${name}.${endpoint.namespace}`;
  return namespace === null ? name : `${namespace}/${name}`;
}

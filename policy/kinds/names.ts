import type { KubeObject } from "../../core/kube/objects.ts";
import type { Problem } from "../model.ts";
import type { CelRule } from "./openapi.ts";
import { shown } from "./wording.ts";

/** Longest DNS subdomain (RFC 1123), as Kubernetes has it. */
const maxLength = 253;

const label = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(?:\\.${label})*`;

interface NameRule {
  readonly pattern: RegExp;
  readonly says: string;
}

// Names of projectcalico.org/v3 (libcalico-go/lib/validator/v3).
const anyName: NameRule = { pattern: new RegExp(`^${subdomain}$`), says: "lower case letters, digits, - and ." };
const inTier = "lower case letters, digits and -, with at most one dot, after the tier";
const rules = new Map<string, NameRule>([
  [
    "NetworkPolicy",
    {
      pattern: new RegExp(`^(?:${label}(?:\\.${label})?|(?:knp|ossg)\\.default\\.${subdomain})$`),
      says: inTier,
    },
  ],
  ["GlobalNetworkPolicy", { pattern: new RegExp(`^(?:${label}\\.)?${label}$`), says: inTier }],
]);

/** What is wrong with the name of a projectcalico.org object. */
export function nameProblems({ kind, metadata: { name } }: KubeObject): readonly Problem[] {
  const { pattern, says } = ruleFor(kind);
  const field = "metadata.name";
  if (name.length > maxLength)
    return [{ field, message: `a name of ${name.length} characters (at most ${maxLength})` }];
  return pattern.test(name) ? [] : [{ field, message: `${shown(name)} is no name of a ${kind}: ${says}` }];
}

/** The same for the API server, which knows the longest name by itself. */
export function nameCel(kind: string): CelRule {
  const { pattern, says } = ruleFor(kind);
  return { rule: `self.metadata.name.matches(r'${pattern.source}')`, message: `the name of a ${kind} has ${says}` };
}

/** Staged kinds go by the rules of the kind that they would become. */
function ruleFor(kind: string): NameRule {
  return rules.get(kind.replace(/^Staged(?!Kubernetes)/, "")) ?? anyName;
}

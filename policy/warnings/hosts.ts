import { isOfNamespace } from "../labels.ts";
import type { Policy } from "../model.ts";
import type { Endpoint } from "../placement.ts";
import { matches, type Selector } from "../selector/syntax.ts";
import { subjectField, type Warning, warning } from "./warning.ts";

/**
 * A namespaceSelector such as `env != 'prod'` holds for what is in no namespace at all: a policy meant for pods applies to the nodes as
 * well, and may lock everybody out of them.
 */
export function hostWarnings(policy: Policy, endpoints: readonly Endpoint[]): readonly Warning[] {
  if ((policy.kind !== "gnp" && policy.kind !== "sgnp") || !asksForNamespace(policy.selector)) return [];
  const answer = forHosts(policy.selector);
  const caught = endpoints.filter(({ kind, labels }) => kind === "host" && matches(policy.selector, labels));
  if (answer === "no" || (answer === "maybe" && caught.length === 0)) return [];
  const whom = caught.length === 0 ? "" : ` (now ${caught.map(({ name }) => name).join(", ")})`;
  return [
    warning(
      policy,
      subjectField(policy),
      `selects host endpoints too${whom}, since what is in no namespace satisfies it: nodes may be locked out. Add has(projectcalico.org/namespace) to the selector if only pods are meant`,
    ),
  ];
}

type Answer = "yes" | "no" | "maybe";

/** Whether a host endpoint satisfies the selector: it has none of the labels that pods inherit, and perhaps any other. */
function forHosts(selector: Selector): Answer {
  switch (selector.op) {
    case "all":
    case "global":
      return "yes";
    case "not":
      return opposite[forHosts(selector.term)];
    case "and":
      return strongest(selector.terms.map(forHosts), "no", "yes");
    case "or":
      return strongest(selector.terms.map(forHosts), "yes", "no");
    case "!=":
    case "not in":
      return isOfNamespace(selector.label) ? "yes" : "maybe";
    case "has":
    case "==":
    case "in":
    case "contains":
    case "starts with":
    case "ends with":
      return isOfNamespace(selector.label) ? "no" : "maybe";
  }
}

const opposite: Readonly<Record<Answer, Answer>> = { yes: "no", no: "yes", maybe: "maybe" };

/** `decides` wherever it occurs; `otherwise` if nothing else occurs. */
function strongest(answers: readonly Answer[], decides: Answer, otherwise: Answer): Answer {
  if (answers.includes(decides)) return decides;
  return answers.includes("maybe") ? "maybe" : otherwise;
}

function asksForNamespace(selector: Selector): boolean {
  switch (selector.op) {
    case "all":
    case "global":
      return false;
    case "not":
      return asksForNamespace(selector.term);
    case "and":
    case "or":
      return selector.terms.some(asksForNamespace);
    case "has":
    case "==":
    case "!=":
    case "in":
    case "not in":
    case "contains":
    case "starts with":
    case "ends with":
      return isOfNamespace(selector.label);
  }
}

import { hostLabels, isOfNamespace } from "../labels.ts";
import type { Policy } from "../model.ts";
import type { Endpoint } from "../placement.ts";
import { matches, type Selector } from "../selector/syntax.ts";
import { type Remark, subjectField } from "./remark.ts";

/** What any host endpoint has, if nobody gives it labels. */
const bare = hostLabels({}, false);

/**
 * A namespaceSelector such as `env != 'prod'` holds for what is in no namespace at all: a policy meant for pods applies to nodes as well,
 * and may lock everybody out of them.
 */
export function hostRemarks(policy: Policy, endpoints: readonly Endpoint[]): readonly Remark[] {
  const { kind, selector } = policy;
  if ((kind !== "gnp" && kind !== "sgnp") || !asksForNamespace(selector)) return [];
  const caught = endpoints.filter(({ kind, labels }) => kind === "host" && matches(selector, labels));
  if (caught.length === 0 && !matches(selector, bare)) return [];
  const now = caught.length === 0 ? "" : ` (now ${caught.map(({ name }) => name).join(", ")})`;
  const message = `selects host endpoints too${now}, as what is in no namespace satisfies the namespaceSelector: nodes may be locked out. If only pods are meant, add has(projectcalico.org/namespace) to the selector`;
  return [{ policy, field: subjectField(policy), message }];
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

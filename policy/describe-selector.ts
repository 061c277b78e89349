import { namespaceLabel, namespacePrefix, serviceAccountLabel, serviceAccountPrefix } from "./labels.ts";
import { canonical, type Selector } from "./selector/syntax.ts";

const orchestrator = "projectcalico.org/orchestrator";
const ownName = "projectcalico.org/name";

/** Whom a selector over inherited labels means, after a noun: `in namespace shop with app == "web"`; empty for everybody. */
export function describeSelector(selector: Selector): string {
  const terms = (selector.op === "and" ? selector.terms : [selector]).filter(({ op }) => op !== "all");
  const places = terms.filter(isPlace).map(placeWords);
  const labels = terms.filter((term) => !isPlace(term) && !isKind(term)).map(labelWords);
  return [...places, ...(labels.length === 0 ? [] : [`with ${labels.join(" and ")}`])].join(" ");
}

/**
 * `pods` where the selector asks for what only things in a namespace have; else `endpoints`: pods, host endpoints and network sets. What
 * it asks not to be, as in `env != 'prod'` about namespaces, is true of a host endpoint as well.
 */
export function nounOf(selector: Selector): "pods" | "endpoints" {
  const terms = selector.op === "and" ? selector.terms : [selector];
  return terms.some((term) => isKind(term) || isOfNamespaces(term)) ? "pods" : "endpoints";
}

function isKind(term: Selector): boolean {
  return term.op === "==" && term.label === orchestrator;
}

function isOfNamespaces(term: Selector): boolean {
  switch (term.op) {
    case "has":
    case "==":
    case "in":
    case "contains":
    case "starts with":
    case "ends with":
      return (
        [namespaceLabel, serviceAccountLabel].includes(term.label) ||
        [namespacePrefix, serviceAccountPrefix].some((prefix) => term.label.startsWith(prefix))
      );
    case "all":
    case "global":
    case "not":
    case "and":
    case "or":
    case "!=":
    case "not in":
      return false;
  }
}

function isPlace(term: Selector): boolean {
  switch (term.op) {
    case "==":
    case "in":
      return term.label === namespaceLabel || term.label === namespacePrefix + ownName;
    case "has":
      return term.label === namespaceLabel;
    case "not":
      return term.term.op === "has" && term.term.label === namespaceLabel;
    case "all":
    case "global":
    case "and":
    case "or":
    case "!=":
    case "not in":
    case "contains":
    case "starts with":
    case "ends with":
      return false;
  }
}

function placeWords(term: Selector): string {
  if (term.op === "==") return `in namespace ${term.value}`;
  if (term.op === "in") return `in namespace ${term.values.join(" or ")}`;
  return term.op === "has" ? "in any namespace" : "in no namespace";
}

/** The selector's own text, with inherited labels under the names that people gave them. */
function labelWords(term: Selector): string {
  return canonical(term)
    .replaceAll(namespacePrefix, "namespace label ")
    .replaceAll(serviceAccountPrefix, "service account label ")
    .replaceAll(serviceAccountLabel, "service account");
}

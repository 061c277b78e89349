import { parser } from "@prometheus-io/lezer-promql";

/** One use of a metric in an expression. */
interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

export interface ReadExpression {
  /** Places that are no PromQL. */
  readonly errors: readonly string[];
  readonly selectors: readonly Selector[];
  /** Labels that are grouped or matched by. */
  readonly grouping: readonly string[];
}

/** What an expression asks, by the parser of Prometheus's own user interface. */
export function readPromql(expression: string): ReadExpression {
  const errors: string[] = [];
  const selectors: { metric: string; labels: string[] }[] = [];
  const grouping: string[] = [];
  let isGrouping = false;
  parser.parse(expression).iterate({
    enter({ name, type, from, to }) {
      const text = expression.slice(from, to);
      if (type.isError) errors.push(`"${expression.slice(Math.max(0, from - 10), to + 10)}" at ${from}`);
      if (name === "VectorSelector") selectors.push({ metric: "", labels: [] });
      const selector = selectors.at(-1);
      if (name === "GroupingLabels") isGrouping = true;
      if (name === "Identifier" && selector !== undefined) selector.metric = text;
      if (name === "LabelName") (isGrouping ? grouping : (selector?.labels ?? [])).push(text);
    },
    leave({ name }) {
      if (name === "GroupingLabels") isGrouping = false;
    },
  });
  return { errors, selectors, grouping };
}

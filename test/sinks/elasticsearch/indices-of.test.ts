import assert from "node:assert/strict";
import { indexNames } from "../../../sinks/elasticsearch/index-name.ts";
import { expressionOf } from "../../../sinks/elasticsearch/indices-of.ts";
import { seconds } from "../../support/flows.ts";

const day = 86_400;
const nameOf = indexNames("flow", "default", "day");
/** Names of so many days from 14 November 2023 on. */
const days = (count: number) => Array.from({ length: count }, (_, at) => nameOf(seconds(at * day)));
const wanted = { set: "flow", namespace: "default", since: 0, until: Number.MAX_SAFE_INTEGER };

describe("expressionOf", () => {
  for (const { title, names, asked, expression } of [
    {
      title: "names those that hold the span",
      names: days(3),
      asked: { since: seconds(day), until: seconds(day) + 1 },
      expression: "sluice-flow-default-2023.11.15",
    },
    {
      title: "names two where the span crosses a bound",
      names: days(3),
      asked: { since: seconds(day), until: seconds(2 * day) },
      expression: "sluice-flow-default-2023.11.15,sluice-flow-default-2023.11.16",
    },
    {
      title: "does not take the next where the span ends with the day",
      names: days(3),
      asked: { since: 0, until: seconds(6_400) },
      expression: "sluice-flow-default-2023.11.14",
    },
    {
      title: "takes months as a whole where days are too many to name",
      names: days(200),
      asked: { since: seconds(100 * day) },
      expression:
        "sluice-flow-default-2024.02*,sluice-flow-default-2024.03*,sluice-flow-default-2024.04*,sluice-flow-default-2024.05*",
    },
    {
      title: "is nothing where nothing holds it",
      names: days(3),
      asked: { since: seconds(9 * day) },
      expression: undefined,
    },
    {
      title: "passes over others' names, other sets and other namespaces",
      names: [
        "logs-2023.11.14",
        "sluice-dns-default-2023.11.14",
        "sluice-flow-other-2023.11.14",
        "sluice-flow-default-custom",
        ...days(1),
      ],
      asked: {},
      expression: "sluice-flow-default-2023.11.14",
    },
    {
      title: "takes hours, days and months as they are",
      names: [
        "sluice-flow-default-2023.11",
        "sluice-flow-default-2023.11.14",
        "sluice-flow-default-2023.11.14.21",
        "sluice-flow-default-2023.11.14.22",
      ],
      asked: { since: seconds(0), until: seconds(1) },
      expression: "sluice-flow-default-2023.11,sluice-flow-default-2023.11.14,sluice-flow-default-2023.11.14.22",
    },
  ])
    it(title, () => {
      assert.equal(expressionOf(names, { ...wanted, ...asked }), expression);
    });

  it("is never longer than a request's first line may be", () => {
    for (const count of [10, 100, 1_000, 10_000])
      assert.ok((expressionOf(days(count), wanted) ?? "").length <= 3_000, `${count} days`);
  });
});

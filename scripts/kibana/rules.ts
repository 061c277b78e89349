import { type DataSetName, fieldsOf } from "../../sinks/elasticsearch/documents/data-sets.ts";
import { patternOf } from "../../sinks/elasticsearch/index-name.ts";

/** An alert of Kibana's own, as `POST /api/alerting/rule/ID` takes it. Examples: they are made switched off, and without actions. */
interface Example {
  readonly id: string;
  readonly name: string;
  readonly set: DataSetName;
  /** Terms that documents must have; field and value. */
  readonly terms: Readonly<Record<string, string | boolean>>;
  readonly minutes: number;
  /** More documents than this. */
  readonly threshold: number;
}

const examples: readonly Example[] = [
  {
    id: "sluice-tampering",
    name: "Sluice: rules were tampered with",
    set: "change",
    terms: { "event.action": "tamper" },
    minutes: 5,
    threshold: 0,
  },
  {
    id: "sluice-break-glass",
    name: "Sluice: a rollout was held, or policy switched off",
    set: "change",
    terms: { "event.action": "rollout" },
    minutes: 5,
    threshold: 0,
  },
  {
    ...{ id: "sluice-many-denied", name: "Sluice: many denied connections", set: "flow", minutes: 5, threshold: 1000 },
    terms: { "event.action": "deny", "sluice.authoritative": true },
  },
  {
    id: "sluice-lost",
    name: "Sluice: something was not seen or not kept",
    set: "loss",
    terms: {},
    minutes: 15,
    threshold: 0,
  },
];

function ruleOf({ name, set, terms, minutes, threshold }: Example): object {
  const filter = Object.entries(terms).map(([field, value]) => ({ term: { [field]: value } }));
  return {
    ...{ name, rule_type_id: ".es-query", consumer: "stackAlerts", enabled: false, tags: ["sluice"], actions: [] },
    schedule: { interval: "1m" },
    params: {
      ...{
        searchType: "esQuery",
        index: [patternOf(set)],
        timeField: "@timestamp",
        size: 10,
        aggType: "count",
        groupBy: "all",
      },
      ...{ threshold: [threshold], thresholdComparator: ">", timeWindowSize: minutes, timeWindowUnit: "m" },
      ...{ excludeHitsFromPreviousRun: true, esQuery: JSON.stringify({ query: { bool: { filter } } }) },
    },
  };
}

/** deploy/kibana/rules.json: by id. */
export const rulesJson = (): string =>
  `${JSON.stringify(Object.fromEntries(examples.map((one) => [one.id, ruleOf(one)])), null, 2)}\n`;

export function exampleFaults(): readonly string[] {
  return examples.flatMap(({ id, set, terms }) => {
    const fields = new Map(fieldsOf(set).map(({ name, type }) => [name, type]));
    return Object.keys(terms)
      .filter((field) => !["keyword", "boolean"].includes(fields.get(field) ?? ""))
      .map((field) => `rule ${id}: no term ${field}`);
  });
}

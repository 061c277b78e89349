import assert from "node:assert/strict";
import { kibanaNdjson } from "../../../scripts/kibana/saved-objects.ts";
import { ndjsonFaults } from "../../../scripts/kibana/validate.ts";

const good = kibanaNdjson();

const replaced = (from: string, to: string) => (text: string) => text.replace(from, to);
/** A change of the first dashboard's panels. */
// biome-ignore lint/suspicious/noExplicitAny: panels are what a file says
const withPanels = (change: (panels: any[]) => void) => (text: string) =>
  text
    .split("\n")
    .map((line) => {
      if (!line.includes('"id":"sluice-overview"')) return line;
      const object = JSON.parse(line);
      const panels = JSON.parse(object.attributes.panelsJSON);
      change(panels);
      return JSON.stringify({ ...object, attributes: { ...object.attributes, panelsJSON: JSON.stringify(panels) } });
    })
    .join("\n");

const cases: readonly { title: string; change: (text: string) => string; says: RegExp }[] = [
  { title: "a line that is no JSON", change: (text) => `${text}{`, says: /is no JSON/ },
  { title: "an object twice", change: (text) => `${text}${text.split("\n")[0]}\n`, says: /same type and id/ },
  { title: "an id of chance", change: replaced('"id":"sluice-overview"', '"id":"6f1c"'), says: /not stable/ },
  {
    title: "a reference that leads nowhere",
    change: (text) =>
      text
        .split("\n")
        .filter((line) => !line.startsWith('{"type":"search","id":"sluice-losses"'))
        .join("\n"),
    says: /refers to search sluice-losses/,
  },
  {
    title: "a pattern of no template",
    change: replaced('"title":"sluice-loss-*"', '"title":"sluice-lost-*"'),
    says: /pattern of no template/,
  },
  {
    title: "a column of a search that is no field",
    change: replaced('"sluice.loss.detail"', '"sluice.loss.details"'),
    says: /no field sluice\.loss\.details/,
  },
  {
    title: "a query for what is no field",
    change: replaced("event.action: deny", "event.acton: deny"),
    says: /no field event\.acton/,
  },
  {
    title: "text that is to hold JSON",
    change: replaced('"panelsJSON":"[', '"panelsJSON":"[['),
    says: /cannot be read/,
  },
  {
    title: "an object of another kind",
    change: (text) => `${text}{"type":"lens","id":"sluice-x","attributes":{"title":"x"},"references":[]}\n`,
    says: /nobody should import/,
  },
  {
    title: "panels that overlap",
    change: withPanels((panels) => {
      panels[1].gridData.w = 13;
    }),
    says: /panels p1 and p2 overlap/,
  },
  {
    title: "a panel outside of the grid",
    change: withPanels((panels) => {
      panels[4].gridData.w = 49;
    }),
    says: /outside of the grid/,
  },
  {
    title: "a chart of an older kind",
    change: withPanels((panels) => {
      panels[0].embeddableConfig.savedVis.type = "tsvb";
    }),
    says: /older kind/,
  },
  {
    title: "a chart by reference",
    change: withPanels((panels) => {
      panels[1].embeddableConfig = {};
    }),
    says: /no chart by value/,
  },
  {
    title: "a chart of a field that there is not",
    change: withPanels((panels) => {
      panels[5].embeddableConfig.attributes.state.datasourceStates.formBased.layers.lp5.columns.b0.sourceField =
        "event.verdict";
    }),
    says: /no field event\.verdict/,
  },
  {
    title: "a sum of what is no number",
    change: withPanels((panels) => {
      panels[1].embeddableConfig.attributes.state.datasourceStates.formBased.layers.lp1.columns.m0.sourceField =
        "event.action";
    }),
    says: /sum of event\.action, which is keyword/,
  },
  {
    title: "a column that is not in order",
    change: withPanels((panels) => {
      panels[5].embeddableConfig.attributes.state.datasourceStates.formBased.layers.lp5.columnOrder.pop();
    }),
    says: /do not agree/,
  },
  {
    title: "an accessor of no column",
    change: withPanels((panels) => {
      panels[1].embeddableConfig.attributes.state.visualization.metricAccessor = "m7";
    }),
    says: /metricAccessor m7 is no column/,
  },
];

describe("scripts/kibana/validate", () => {
  it("finds nothing wrong with what we ship", () => assert.deepEqual(ndjsonFaults(good), []));
  for (const { title, change, says } of cases)
    it(`finds ${title}`, () => {
      const bad = change(good);
      assert.notEqual(bad, good);
      assert.match(ndjsonFaults(bad).join("\n"), says);
    });
  it("makes the same file of the same description", () => assert.equal(kibanaNdjson(), good));
});

import { type DataSetName, dataSetNames } from "../../sinks/elasticsearch/documents/data-sets.ts";
import { patternOf } from "../../sinks/elasticsearch/index-name.ts";
import { dashboards, searches } from "./content.ts";
import type { Control, Dashboard, Panel, Search } from "./description.ts";
import { layerReference, lensAttributes } from "./lens.ts";

// What Kibana imports, in the shapes of 8.9: every later 8.x and 9.x takes these and brings them up to date, no earlier version takes later ones.

export interface Reference {
  readonly type: string;
  readonly id: string;
  readonly name: string;
}

export interface SavedObject {
  readonly type: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly references: readonly Reference[];
  readonly coreMigrationVersion: string;
  readonly typeMigrationVersion: string;
}

/**
 * Up to where their shape is brought up to date already: each the last migration, or schema, that Kibana itself names by a version of the stack (dashboard_saved_object.ts,
 * search.ts, data_views.ts there). What came after has numbers of its own (10.n.0), and every later version does it at import.
 */
const versions = { "index-pattern": "8.0.0", search: "8.0.0", dashboard: "8.9.0" } as const;

function savedObject(
  type: keyof typeof versions,
  id: string,
  attributes: SavedObject["attributes"],
  references: readonly Reference[],
): SavedObject {
  return { type, id, attributes, references, coreMigrationVersion: "8.8.0", typeMigrationVersion: versions[type] };
}

/** Everything, a JSON object a line. */
export function kibanaNdjson(): string {
  const objects = [...dataSetNames.map(dataView), ...searches.map(searchObject), ...dashboards.map(dashboardObject)];
  return `${objects.map((object) => JSON.stringify(object)).join("\n")}\n`;
}

const dataViewId = (set: DataSetName): string => `sluice-${set}`;

function dataView(set: DataSetName): SavedObject {
  const title = patternOf(set);
  // Before the first record of a kind there is no index.
  const attributes = { title, name: `Sluice ${set}`, timeFieldName: "@timestamp", allowNoIndex: true };
  return savedObject("index-pattern", dataViewId(set), attributes, []);
}

function searchObject({ id, title, set, filter, columns }: Search): SavedObject {
  const name = "kibanaSavedObjectMeta.searchSourceJSON.index";
  const source = { query: { query: filter, language: "kuery" }, filter: [], indexRefName: name };
  const attributes = {
    ...{ title, description: "", columns, sort: [["@timestamp", "desc"]] },
    // Kibana 9 moves these into a tab as they are; there they have to be.
    ...{ grid: {}, hideChart: false, isTextBasedQuery: false },
    kibanaSavedObjectMeta: { searchSourceJSON: JSON.stringify(source) },
  };
  return savedObject("search", id, attributes, [{ name, type: "index-pattern", id: dataViewId(set) }]);
}

function dashboardObject({ id, title, description, controls, panels }: Dashboard): SavedObject {
  const built = panels.map((panel, at) => panelOf(panel, `p${at}`));
  const attributes = {
    ...{ title, description, version: 1, timeRestore: true, timeFrom: "now-24h", timeTo: "now" },
    refreshInterval: { pause: true, value: 60_000 },
    controlGroupInput: controlGroup(controls),
    optionsJSON: JSON.stringify({
      useMargins: true,
      syncColors: true,
      syncCursor: true,
      syncTooltips: false,
      hidePanelTitles: false,
    }),
    kibanaSavedObjectMeta: {
      searchSourceJSON: JSON.stringify({ query: { query: "", language: "kuery" }, filter: [] }),
    },
    panelsJSON: JSON.stringify(built.map(({ panel }) => panel)),
  };
  const ofControls = controls.map(({ set }, at) =>
    reference(`controlGroup_c${at}:optionsListDataView`, "index-pattern", dataViewId(set)),
  );
  return savedObject("dashboard", id, attributes, [...built.flatMap(({ references }) => references), ...ofControls]);
}

const reference = (name: string, type: string, id: string): Reference => ({ name, type, id });

function panelOf(panel: Panel, i: string): { readonly panel: object; readonly references: readonly Reference[] } {
  const [x, y, w, h] = panel.at;
  const place = { gridData: { x, y, w, h, i }, panelIndex: i };
  if (panel.kind === "text")
    return { panel: { ...place, type: "visualization", embeddableConfig: markdown(panel.markdown) }, references: [] };
  if (panel.kind === "search") {
    const name = `panel_${i}`;
    const references = [reference(`${i}:${name}`, "search", panel.search)];
    return {
      panel: { ...place, type: "search", panelRefName: name, embeddableConfig: { enhancements: {} } },
      references,
    };
  }
  const [layer, view] = [`l${i}`, dataViewId(panel.set)];
  const embeddableConfig = { attributes: lensAttributes(panel, layer, view), enhancements: {} };
  const references = [reference(`${i}:${layerReference(layer)}`, "index-pattern", view)];
  return { panel: { ...place, type: "lens", title: panel.title, embeddableConfig }, references };
}

function markdown(text: string): object {
  const params = { fontSize: 12, openLinksInNewTab: false, markdown: text };
  const data = { aggs: [], searchSource: { query: { query: "", language: "kuery" }, filter: [] } };
  return {
    savedVis: { id: "", title: "", description: "", type: "markdown", params, data },
    hidePanelTitles: true,
    enhancements: {},
  };
}

function controlGroup(controls: readonly Control[]): object {
  const panels = controls.map(({ field, title }, order) => {
    const id = `c${order}`;
    const explicitInput = { id, fieldName: field, title, enhancements: {}, selectedOptions: [] };
    return [id, { type: "optionsListControl", order, width: "medium", grow: true, explicitInput }] as const;
  });
  const ignored = { ignoreFilters: false, ignoreQuery: false, ignoreTimerange: false, ignoreValidations: false };
  return {
    ...{ chainingSystem: "HIERARCHICAL", controlStyle: "oneLine" },
    ignoreParentSettingsJSON: JSON.stringify(ignored),
    panelsJSON: JSON.stringify(Object.fromEntries(panels)),
  };
}

import type { Measure, Panel, Split } from "./description.ts";

// A chart as Kibana's Lens keeps it: a layer of columns, and a visualization that names them.

type Chart = Exclude<Panel, { readonly kind: "text" | "search" }>;
type Column = Readonly<Record<string, unknown>>;

/** `attributes` of a Lens panel that stands in its dashboard by value. */
export function lensAttributes(panel: Chart, layer: string, dataView: string): object {
  const columns = columnsOf(panel);
  const order = Object.keys(columns);
  return {
    title: panel.title,
    type: "lens",
    visualizationType: { number: "lnsMetric", time: "lnsXY", table: "lnsDatatable", matrix: "lnsHeatmap" }[panel.kind],
    references: [{ type: "index-pattern", id: dataView, name: layerReference(layer) }],
    state: {
      query: { query: panel.filter ?? "", language: "kuery" },
      filters: [],
      datasourceStates: { formBased: { layers: { [layer]: { columnOrder: order, columns, incompleteColumns: {} } } } },
      visualization: visualizationOf(panel, layer, order),
      internalReferences: [],
      adHocDataViews: {},
    },
  };
}

export const layerReference = (layer: string): string => `indexpattern-datasource-layer-${layer}`;

/** Buckets first, then measures; their names are their places. */
function columnsOf(panel: Chart): Readonly<Record<string, Column>> {
  const measures = "measures" in panel ? panel.measures : [panel.measure];
  const buckets = bucketsOf(panel);
  const first = `m0`;
  return Object.fromEntries([
    ...buckets.map((bucket, at) => [`b${at}`, bucket === "time" ? timeColumn : splitColumn(bucket, first)] as const),
    ...measures.map((measure, at) => [`m${at}`, measureColumn(measure)] as const),
  ]);
}

function bucketsOf(panel: Chart): readonly (Split | "time")[] {
  switch (panel.kind) {
    case "number":
      return [];
    case "time":
      return panel.split === undefined ? ["time"] : [panel.split, "time"];
    case "table":
      return panel.rows;
    case "matrix":
      return [panel.columns, panel.rows];
  }
}

const timeColumn: Column = {
  ...{ label: "@timestamp", dataType: "date", operationType: "date_histogram", sourceField: "@timestamp" },
  ...{ isBucketed: true, scale: "interval", params: { interval: "auto", includeEmptyRows: true, dropPartials: false } },
};

function splitColumn({ field, label, size }: Split, by: string): Column {
  const params = {
    ...{
      size,
      orderBy: { type: "column", columnId: by },
      orderDirection: "desc",
      otherBucket: true,
      missingBucket: false,
    },
    ...{ parentFormat: { id: "terms" }, include: [], exclude: [], includeIsRegex: false, excludeIsRegex: false },
  };
  const isNumber = field.endsWith(".port");
  return {
    ...{ label, customLabel: true, dataType: isNumber ? "number" : "string", operationType: "terms", scale: "ordinal" },
    ...{ sourceField: field, isBucketed: true, params },
  };
}

function measureColumn(measure: Measure): Column {
  const { label, filter } = measure;
  const common = {
    ...{ label, customLabel: true, isBucketed: false },
    ...(filter === undefined ? {} : { filter: { query: filter, language: "kuery" } }),
  };
  const number = { ...common, dataType: "number", scale: "ratio" };
  switch (measure.of) {
    case "documents":
      return { ...number, operationType: "count", sourceField: "___records___", params: { emptyAsNull: false } };
    case "flows":
      return { ...number, operationType: "sum", sourceField: "sluice.flows.count", params: { emptyAsNull: false } };
    case "unique":
      return { ...number, operationType: "unique_count", sourceField: measure.field, params: { emptyAsNull: false } };
    case "max": {
      const isTime = measure.field === "@timestamp";
      return {
        ...number,
        dataType: isTime ? "date" : "number",
        operationType: "max",
        sourceField: measure.field,
        params: { emptyAsNull: true },
      };
    }
    case "sum": {
      const format = measure.format === undefined ? {} : { format: { id: measure.format, params: { decimals: 1 } } };
      return { ...number, operationType: "sum", sourceField: measure.field, params: { emptyAsNull: false, ...format } };
    }
  }
}

function visualizationOf(panel: Chart, layerId: string, order: readonly string[]): object {
  const data = { layerId, layerType: "data" };
  const measures = order.filter((name) => name.startsWith("m"));
  const legend = { isVisible: true, position: "right" };
  switch (panel.kind) {
    case "number":
      return { ...data, metricAccessor: "m0" };
    case "table":
      return { ...data, columns: order.map((columnId) => ({ columnId })), paging: { size: 10, enabled: true } };
    case "time": {
      const [xAccessor, splits] = panel.split === undefined ? ["b0", {}] : ["b1", { splitAccessor: "b0" }];
      const layer = { ...data, seriesType: panel.shape, xAccessor, accessors: measures, ...splits };
      return { legend, valueLabels: "hide", preferredSeriesType: panel.shape, layers: [layer] };
    }
    case "matrix": {
      const labels = { isCellLabelVisible: false, isYAxisLabelVisible: true, isXAxisLabelVisible: true };
      return {
        ...{ ...data, shape: "heatmap", xAccessor: "b0", yAccessor: "b1", valueAccessor: "m0" },
        ...{ legend: { ...legend, type: "heatmap_legend" } },
        gridConfig: { type: "heatmap_grid", ...labels, isYAxisTitleVisible: true, isXAxisTitleVisible: true },
      };
    }
  }
}

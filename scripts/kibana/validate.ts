import { type DataSetName, dataSetNames, fieldsOf } from "../../sinks/elasticsearch/documents/data-sets.ts";
import type { ElasticType } from "../../sinks/elasticsearch/documents/field.ts";
import { patternOf } from "../../sinks/elasticsearch/index-name.ts";

// What can be known of saved objects without a Kibana. It reads the file as Kibana does and knows nothing of how it was made. The checks are
// those that Elastic's own packages must pass: no dangling references, charts by value, nothing of an older kind, fields that there are.

interface Read {
  readonly type: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: it is what a file says
  readonly attributes: any;
  readonly references: readonly { readonly type: string; readonly id: string; readonly name: string }[];
}

type Fields = ReadonlyMap<string, ElasticType>;

const aggregatable: readonly ElasticType[] = ["keyword", "ip", "long", "boolean"];
/** What each operation of a column takes. */
const operations: Readonly<Record<string, readonly ElasticType[]>> = {
  date_histogram: ["date_nanos"],
  terms: aggregatable,
  unique_count: aggregatable,
  sum: ["long"],
  max: ["long", "date_nanos"],
};

/** What is wrong with a file of saved objects, a line each. */
export function ndjsonFaults(text: string): readonly string[] {
  const objects: Read[] = [];
  for (const [at, line] of text.trimEnd().split("\n").entries()) {
    try {
      objects.push(JSON.parse(line));
    } catch {
      return [`line ${at + 1} is no JSON`];
    }
  }
  const known = new Map(objects.map((object) => [`${object.type} ${object.id}`, object]));
  const views = new Map(
    objects.filter(({ type }) => type === "index-pattern").map((view) => [view.id, fieldsOfView(view)]),
  );
  const twice = known.size === objects.length ? [] : ["two objects have the same type and id"];
  return [
    ...twice,
    ...objects.flatMap((object) =>
      [...objectFaults(object, known), ...contentFaults(object, views)].map(
        (fault) => `${object.type} ${object.id}: ${fault}`,
      ),
    ),
  ];
}

function fieldsOfView({ attributes }: Read): Fields | undefined {
  const set = dataSetNames.find((name: DataSetName) => patternOf(name) === attributes.title);
  return set === undefined ? undefined : new Map(fieldsOf(set).map(({ name, type }) => [name, type]));
}

function objectFaults({ id, attributes, references }: Read, known: ReadonlyMap<string, Read>): readonly string[] {
  const names = references.map(({ name }) => name);
  return [
    ...(/^sluice-[a-z-]+$/.test(id) ? [] : ["its id is not stable: write sluice-…"]),
    ...(typeof attributes.title === "string" && attributes.title !== "" ? [] : ["it has no title"]),
    ...references
      .filter(({ type, id: to }) => !known.has(`${type} ${to}`))
      .map(({ type, id: to }) => `refers to ${type} ${to}, which is not there`),
    ...(new Set(names).size === names.length ? [] : ["two references have the same name"]),
  ];
}

function contentFaults(object: Read, views: ReadonlyMap<string, Fields | undefined>): readonly string[] {
  try {
    if (object.type === "index-pattern")
      return views.get(object.id) === undefined ? ["it is the pattern of no template"] : [];
    if (object.type === "search") return searchFaults(object, views);
    if (object.type === "dashboard") return dashboardFaults(object, views);
    return [`nobody should import a ${object.type}`];
  } catch (thrown) {
    return [`it cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`];
  }
}

function fieldsBehind(
  references: Read["references"],
  name: string,
  views: ReadonlyMap<string, Fields | undefined>,
): Fields {
  const to = references.find((one) => one.name === name && one.type === "index-pattern");
  const fields = to === undefined ? undefined : views.get(to.id);
  if (fields === undefined) throw new Error(`no reference ${name} to a data view`);
  return fields;
}

function searchFaults(
  { attributes, references }: Read,
  views: ReadonlyMap<string, Fields | undefined>,
): readonly string[] {
  const source = JSON.parse(attributes.kibanaSavedObjectMeta.searchSourceJSON);
  const fields = fieldsBehind(references, source.indexRefName, views);
  const named: readonly string[] = [
    ...attributes.columns,
    ...attributes.sort.map(([field]: readonly [string]) => field),
  ];
  return [...missing(named, fields), ...queryFaults(source.query, fields)];
}

function missing(names: readonly string[], fields: Fields): readonly string[] {
  return names.filter((name) => !fields.has(name)).map((name) => `there is no field ${name}`);
}

/** Fields that stand before a colon in KQL. */
function queryFaults(
  { query, language }: { readonly query: string; readonly language: string },
  fields: Fields,
): readonly string[] {
  const names = [...query.replaceAll(/"[^"]*"/g, "").matchAll(/([@\w.]+)\s*(?::|>=?|<=?)/g)].map(
    ([, name]) => name as string,
  );
  return [...(language === "kuery" ? [] : [`a query in ${language}`]), ...missing(names, fields)];
}

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly i: string;
}

function dashboardFaults(
  { attributes, references }: Read,
  views: ReadonlyMap<string, Fields | undefined>,
): readonly string[] {
  const panels = JSON.parse(attributes.panelsJSON);
  JSON.parse(attributes.optionsJSON);
  JSON.parse(attributes.kibanaSavedObjectMeta.searchSourceJSON);
  const used = new Set<string>();
  const take = (name: string): string => {
    used.add(name);
    return name;
  };
  return [
    ...gridFaults(panels.map(({ gridData }: { readonly gridData: Rectangle }) => gridData)),
    ...panels.flatMap((panel: Readonly<Record<string, unknown>>) => panelFaults(panel, references, views, take)),
    ...controlFaults(attributes.controlGroupInput, references, views, take),
    ...references.filter(({ name }) => !used.has(name)).map(({ name }) => `nobody uses the reference ${name}`),
  ];
}

function gridFaults(places: readonly Rectangle[]): readonly string[] {
  const outside = places.filter(({ x, y, w, h }) => x < 0 || y < 0 || w < 1 || h < 1 || x + w > 48);
  const over = places.flatMap((a, at) =>
    places
      .slice(at + 1)
      .filter((b) => overlaps(a, b))
      .map((b) => `panels ${a.i} and ${b.i} overlap`),
  );
  const twice = new Set(places.map(({ i }) => i)).size === places.length ? [] : ["two panels have the same index"];
  return [...outside.map(({ i }) => `panel ${i} is outside of the grid`), ...over, ...twice];
}

const overlaps = (a: Rectangle, b: Rectangle): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

function panelFaults(
  // biome-ignore lint/suspicious/noExplicitAny: it is what a file says
  panel: any,
  references: Read["references"],
  views: ReadonlyMap<string, Fields | undefined>,
  take: (name: string) => string,
): readonly string[] {
  const { type, panelIndex, gridData, embeddableConfig: config } = panel;
  const about = (faults: readonly string[]) => faults.map((fault) => `panel ${panelIndex}: ${fault}`);
  if (panelIndex !== gridData.i) return about(["its index is not that of its place"]);
  if (type === "visualization") return about(config.savedVis?.type === "markdown" ? [] : ["a chart of an older kind"]);
  if (type === "search") {
    const name = take(`${panelIndex}:${panel.panelRefName}`);
    return about(
      references.some((one) => one.name === name && one.type === "search") ? [] : ["its search is not there"],
    );
  }
  if (type !== "lens" || config.attributes === undefined) return about(["it is no chart by value"]);
  const { state, references: own } = config.attributes;
  return about(
    Object.entries(state.datasourceStates.formBased.layers).flatMap(([id, layer]) => {
      const name = `indexpattern-datasource-layer-${id}`;
      const fields = fieldsBehind(own, name, views);
      fieldsBehind(references, take(`${panelIndex}:${name}`), views);
      return [
        ...layerFaults(layer as Layer, fields),
        ...queryFaults(state.query, fields),
        ...accessorFaults(state.visualization, id, layer as Layer),
      ];
    }),
  );
}

interface Layer {
  readonly columnOrder: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: it is what a file says
  readonly columns: Readonly<Record<string, any>>;
}

function layerFaults({ columnOrder, columns }: Layer, fields: Fields): readonly string[] {
  const same = [...columnOrder].sort().join() === Object.keys(columns).sort().join();
  return [
    ...(same ? [] : ["columns and their order do not agree"]),
    ...Object.values(columns).flatMap(({ operationType, sourceField, filter, params }) => {
      const by = params?.orderBy?.columnId;
      return [
        ...(operationType === "count" ? [] : fieldFaults(operationType, sourceField, fields)),
        ...(filter === undefined ? [] : queryFaults(filter, fields)),
        ...(by === undefined || by in columns ? [] : [`ordered by a column ${by} that is not there`]),
      ];
    }),
  ];
}

function fieldFaults(operation: string, name: string, fields: Fields): readonly string[] {
  const [type, accepted] = [fields.get(name), operations[operation]];
  if (accepted === undefined) return [`an operation ${operation} that nobody checked`];
  if (type === undefined) return [`there is no field ${name}`];
  return accepted.includes(type) ? [] : [`${operation} of ${name}, which is ${type}`];
}

/** Whatever a visualization calls an accessor or a column is one of the layer. */
function accessorFaults(visualization: unknown, layer: string, { columns }: Layer): readonly string[] {
  const faults: string[] = [];
  JSON.stringify(visualization, (key, value) => {
    const isName = /accessor$|^columnId$/i.test(key) && typeof value === "string";
    const names: readonly string[] = key === "accessors" ? value : isName ? [value] : [];
    faults.push(...names.filter((name) => !(name in columns)).map((name) => `${key} ${name} is no column`));
    if (key === "layerId" && value !== layer) faults.push(`${value} is no layer`);
    return value;
  });
  return faults;
}

function controlFaults(
  group: { readonly panelsJSON: string; readonly ignoreParentSettingsJSON: string },
  references: Read["references"],
  views: ReadonlyMap<string, Fields | undefined>,
  take: (name: string) => string,
): readonly string[] {
  JSON.parse(group.ignoreParentSettingsJSON);
  return Object.entries(JSON.parse(group.panelsJSON)).flatMap(([id, control]) => {
    const { explicitInput } = control as { readonly explicitInput: { readonly fieldName: string } };
    const fields = fieldsBehind(references, take(`controlGroup_${id}:optionsListDataView`), views);
    return fieldFaults("terms", explicitInput.fieldName, fields).map((fault) => `control ${id}: ${fault}`);
  });
}

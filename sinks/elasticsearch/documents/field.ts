/** Types of Elasticsearch that we use. `json` is an object that is kept and not searched (`enabled: false`). */
export type ElasticType = "keyword" | "ip" | "long" | "boolean" | "date_nanos" | "flattened" | "text" | "json";

/** How many values a field comes to have. few: some dozens; cluster: grows with pods, policies and Services; unbounded: with traffic. */
export type Cardinality = "few" | "cluster" | "unbounded";

/** One field of the documents of a data set: where it stands, what it is, and how it is made of a record. */
export interface DocumentField<R> {
  /** Path in the document, e.g. `source.ip`. */
  readonly name: string;
  readonly type: ElasticType;
  readonly cardinality: Cardinality;
  readonly description: string;
  /** JSON text of the value; undefined where the document has none. */
  readonly write: (record: R) => string | undefined;
  /** Of a field that is the same in all documents of a data set: what `write` says of any record. */
  readonly constant?: string;
  /** Of a field that gives a part of the record back. */
  readonly stored?: Stored;
}

/** A part of a record by its path (`sourceAddress`, `nat.sourceAddress`), as it is written and read back. */
export interface Stored extends Form<never> {
  readonly path: string;
}

/** How a value of a record becomes JSON text, and comes back. */
export interface Form<V> {
  readonly write: (value: V) => string | undefined;
  readonly read: (value: unknown) => unknown;
  /** What the record has where the document has nothing. */
  readonly absent: unknown;
}

type Kind = readonly [type: ElasticType, cardinality: Cardinality];

/** A field that holds the part `path` of a record. */
export function stored<R>(
  name: string,
  [type, cardinality]: Kind,
  path: string,
  // biome-ignore lint/suspicious/noExplicitAny: which value stands at a path is the table's word; a property holds it to that
  form: Form<any>,
  description: string,
): DocumentField<R> {
  const [part, leaf] = path.split(".") as [string, string | undefined];
  const write = (record: R) => {
    const whole = (record as Readonly<Record<string, unknown>>)[part];
    if (leaf === undefined) return form.write(whole);
    return whole === null ? undefined : form.write((whole as Readonly<Record<string, unknown>>)[leaf]);
  };
  return { name, type, cardinality, description, write, stored: { ...form, path } };
}

/** A field that can be made of others, for who searches. */
export function derived<R>(
  name: string,
  [type, cardinality]: Kind,
  write: (record: R) => string | undefined,
  description: string,
): DocumentField<R> {
  return { name, type, cardinality, description, write };
}

/** A field with the same value in all documents of a data set. */
export function constant<R>(name: string, value: string | readonly string[], description: string): DocumentField<R> {
  const text = JSON.stringify(value);
  return { ...derived<R>(name, ["keyword", "few"], () => text, description), constant: text };
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, parseAllDocuments } from "yaml";
import { tierControls } from "../../bin/install/tier-controls.ts";
import { sluiceVersion } from "../../bin/version.ts";
import { definitions, workingObjects } from "../../deploy/objects/installation.ts";
import { valuesOf } from "../../deploy/objects/values.ts";
import { needsHelm, type Rendered } from "../support/needs-helm.ts";

const version = sluiceVersion();
const namespace = "watched";

describe("the Helm chart", function () {
  this.timeout(60_000);
  const helm = needsHelm();
  const render = (...values: readonly object[]) =>
    helm(
      "deploy/chart",
      values.map((each) => ({ name: "s", namespace, values: each })),
    );

  it("gives the objects that sluice install applies, whatever the values", () => {
    const all = fc.sample(arbitraryValues, { numRuns: 60, seed: 9 });
    const rendered = render(...all);
    for (const [index, values] of all.entries()) {
      const { enabled } = valuesOf(version, values).tiers;
      const wanted = [
        ...(enabled ? tierControls(new Set()) : []),
        ...workingObjects(valuesOf(version, values), namespace),
      ];
      assert.deepEqual(objectsOf(rendered[index]), sorted(wanted), JSON.stringify(values));
    }
  });

  for (const { title, values, says } of [
    { title: "a value that nobody knows", values: { enrich: { replica: 1 } }, says: /replica/ },
    { title: "a value of another type", values: { watch: { secret: 5 } }, says: /watch/ },
    { title: "a setting that nobody knows", values: { config: { enforcer: { modus: "x" } } }, says: /modus/ },
    { title: "a setting out of its range", values: { config: { bus: { partitions: 0 } } }, says: /partitions/ },
    { title: "no port at all", values: { networkPolicies: { redisPorts: [] } }, says: /redisPorts/ },
    { title: "a password among the settings", values: { config: { bus: { password: "s" } } }, says: /password/ },
  ])
    it(`refuses ${title}`, () => {
      const [result] = render(values);
      assert.ok(result !== undefined && "error" in result && says.test(result.error), JSON.stringify(result));
    });

  for (const { title, audit, is } of [
    { title: "where admission listens", audit: { admissionListen: "0.0.0.0:9467" }, is: true },
    { title: "where it does not", audit: { listen: "0.0.0.0:9466" }, is: false },
  ])
    it(`${is ? "starts the watcher only with" : "wants no"} token of admission ${title}`, () => {
      const values = { config: { bus: { brokers: ["k:9092"] }, audit }, watch: { audit: true, secret: "s" } };
      const text = JSON.stringify(workingObjects(valuesOf(version, values), namespace));
      const [key] = /"secretKeyRef":\{[^}]*\}/.exec(text) ?? [];
      assert.equal(key, is ? '"secretKeyRef":{"name":"s","key":"admission-token"}' : undefined);
    });

  it("brings every kind", () => {
    const [rendered] = render({});
    assert.ok(rendered !== undefined && "files" in rendered);
    const names = Object.entries(rendered.files).flatMap(([name, text]) =>
      name.includes("/crds/") ? [(parse(text) as Named).metadata.name] : [],
    );
    assert.deepEqual(
      names.sort(),
      definitions()
        .map(({ metadata }) => metadata.name)
        .sort(),
    );
  });

  it("is told apart from one that blocks", () => {
    const [observes, enforces] = render({}, { config: { enforcer: { mode: "enforce" } } }).map(notes);
    assert.match(observes ?? "", /Nothing is blocked yet/);
    assert.doesNotMatch(enforces ?? "", /Nothing is blocked/);
  });
});

const text = fc.constantFrom("a", "a-b", "10Gi", "true", "1", "null", "x: y", "{{ .Values }}", "<&>", "q\"uo'te", "ü");
const resources = fc.record(
  { requests: fc.dictionary(fc.constantFrom("cpu", "memory"), fc.oneof(text, fc.nat(9))) },
  { requiredKeys: [] },
);
const section = {
  secret: fc.constantFrom("", "s"),
  resources,
  nodeSelector: fc.dictionary(fc.constantFrom("a", "b/c"), text, { maxKeys: 2 }),
  tolerations: fc.array(fc.constant({ operator: "Exists", key: "k" }), { maxLength: 2 }),
};
const part = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [] });
const ports = fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 3 });

const arbitraryValues = part({
  config: part({
    bus: part({
      brokers: fc.array(fc.constant("k:9092"), { maxLength: 2 }),
      retentionMs: fc.integer({ min: 60_000, max: 1e12 }),
    }),
    elasticsearch: part({ urls: fc.array(fc.constant("https://e:9200"), { maxLength: 1 }) }),
    audit: part({ admissionListen: fc.constant("0.0.0.0:9467") }),
    work: part({ redis: fc.constantFrom("", "redis://r:6379") }),
    enforcer: part({ guardedPaths: fc.array(fc.constantFrom("a/b -> c/d : tcp/1", "<&>\u2028"), { maxLength: 2 }) }),
  }),
  image: part({
    repository: fc.constantFrom("sluice", "reg:5000/x@sha256"),
    pullSecrets: fc.array(fc.constant({ name: "p" }), { maxLength: 1 }),
  }),
  metrics: part({ port: fc.integer({ min: 1, max: 65_535 }), podAddress: fc.constant("[::]") }),
  node: part({
    ...section,
    enforcement: fc.boolean(),
    setSysctls: fc.boolean(),
    maxUnavailable: fc.constantFrom<string | number>(1, "50%"),
    dataFolder: fc.constant("/d"),
  }),
  enrich: part({ ...section, replicas: fc.nat(3) }),
  watch: part({
    ...section,
    audit: fc.boolean(),
    size: fc.constantFrom("1Gi"),
    storageClass: fc.constantFrom("", "fast"),
  }),
  archive: part({
    ...section,
    enabled: fc.boolean(),
    size: fc.constantFrom("1Gi", "5"),
    storageClass: fc.constantFrom("", "fast"),
  }),
  elasticsearch: part({ ...section, replicas: fc.nat(3) }),
  work: part({ ...section, replicas: fc.nat(3) }),
  tiers: part({ enabled: fc.boolean() }),
  networkPolicies: part({
    enabled: fc.boolean(),
    kafkaPorts: ports,
    apiServerPorts: ports,
    metricsNamespace: fc.constant("m"),
  }),
  serviceMonitor: part({ enabled: fc.boolean(), labels: fc.dictionary(fc.constantFrom("r"), text) }),
});

function objectsOf(rendered: Rendered | undefined): readonly object[] {
  if (rendered === undefined || "error" in rendered) throw new Error(rendered?.error ?? "nothing was rendered");
  const files = Object.entries(rendered.files).filter(([name]) => /\/templates\/.*\.yaml$/.test(name));
  const documents = files.flatMap(([, text]) => parseAllDocuments(text).map((each) => each.toJS() as object | null));
  return sorted(documents.filter((each) => each !== null));
}

function notes(rendered: Rendered): string {
  return "files" in rendered ? (rendered.files["sluice/templates/NOTES.txt"] ?? "") : rendered.error;
}

function sorted(objects: readonly object[]): readonly object[] {
  const keyed = objects.map((each) => [keyOf(each as Named), each] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const keyOf = ({ kind, metadata }: Named) => `${kind}/${metadata.name}`;

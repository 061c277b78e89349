import assert from "node:assert/strict";
import fc from "fast-check";
import { TaxonomyCluster } from "../../../controls/taxonomy/cluster.ts";
import { Api } from "../../../core/kube/api/api.ts";
import { connectionOf } from "../../../core/kube/api/connection.ts";
import { readLabelTaxonomy } from "../../../policy/kinds/label-taxonomy.ts";
import { matches } from "../../../policy/selector/syntax.ts";
import { admissionOf } from "../../../policy/taxonomy/admission.ts";
import { celSelector, celText } from "../../../policy/taxonomy/cel-text.ts";
import { fitsPattern, parseValuePattern, regexOf } from "../../../policy/taxonomy/pattern.ts";
import { arbitrarySelector } from "../../support/arbitrary-selector.ts";
import { ask } from "../../support/kube-requests.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { until } from "../../support/until.ts";

const hostile = [
  "",
  "'",
  '"',
  "\\",
  "\\'",
  "' || true || '",
  "'] || true || 'x' in ['",
  "\n",
  "\r\n",
  "\u2028",
  "\u0000",
  "{{x}}",
  "\\u0027",
  "ü",
  "\u{1f600}",
  "'''",
  "r'x'",
  "a // b",
  "__proto__",
];
const text = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));

describe("texts and selectors in CEL", function () {
  this.timeout(60_000);
  const server = needsApiServer();

  /** What a real API server makes of expressions; an expression that it does not understand fails. */
  const evaluate = async (name: string, expressions: readonly string[]) => {
    const api = "admissionregistration.k8s.io/v1";
    const path = `/apis/${api}/validatingadmissionpolic`;
    const made = async (kind: string, plural: string, spec: object) => {
      const body = { apiVersion: api, kind, metadata: { name }, spec };
      const { outcome, says } = await ask(server(), "admin", { method: "POST", path: `${path}${plural}`, body }, true);
      assert.notEqual(outcome, "refused", says);
    };
    const here = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }];
    await made("ValidatingAdmissionPolicy", "ies", {
      failurePolicy: "Fail",
      matchConstraints: { resourceRules: here },
      matchConditions: [{ name: "this", expression: `object.metadata.name == '${name}'` }],
      validations: [
        ...expressions.map((expression, index) => ({ expression, message: `expression ${index} is false` })),
        { expression: "object.data.last == 'x'", message: "all before hold" },
      ],
    });
    await made("ValidatingAdmissionPolicyBinding", "ybindings", { policyName: name, validationActions: ["Deny"] });
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { last: "y" } };
    const asked = { method: "POST", path: "/api/v1/namespaces/default/configmaps", body } as const;
    return await until("the policy to be in force", async () => {
      const { outcome, says } = await ask(server(), "admin", asked);
      return outcome === "refused" && says;
    });
  };

  it("stay texts, whatever stands in them", async () => {
    const texts = [...hostile, ...fc.sample(text, { numRuns: 200, seed: 1 })].map((one) => one.toWellFormed());
    const expressions = texts.map((one) => {
      // Said otherwise: as the bytes of its code points, which no quote can leave.
      const bytes = [...Buffer.from(one)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
      return `bytes(${celText(one)}) == b'${bytes}'`;
    });
    assert.match(await evaluate("texts", expressions), /all before hold/);
  });

  it("are one literal each", () => {
    fc.assert(
      fc.property(text, (one) => {
        assert.match(celText(one), /^'([\w ./:@,=-]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*'$/);
      }),
    );
  });

  it("select as the same selectors do here", async () => {
    const label = fc.constantFrom("a", "b", "x.y/z", "'");
    const value = fc.oneof(fc.constantFrom("", "x", "xyz", '"', "'"), text);
    const selectors = fc.sample(arbitrarySelector(label, value), { numRuns: 150, seed: 2 });
    const labels = fc.sample(fc.dictionary(label, value, { maxKeys: 3, noNullPrototype: true }), {
      numRuns: 20,
      seed: 3,
    });
    const maps = labels.map(
      (one) =>
        `{${Object.entries(one)
          .map((pair) => pair.map(celText).join(": "))
          .join(", ")}}`,
    );
    const expressions = selectors.map((selector) => {
      const expected = labels.map((one) => matches(selector, one));
      return `[${maps.join(", ")}].map(labels, ${celSelector(selector, "labels")}) == [${expected.join(", ")}]`;
    });
    assert.match(await evaluate("selectors", expressions), /all before hold/);
  });

  it("fit patterns as they do here", async () => {
    const values = ["", "a", "cc-12", "cc-1234", "a.b", "axb", "-", "_", "A9"];
    const patterns = ["cc-[0-9]{4}", "a\\.b|a", "[^a]*", ".", "[a-z.-]{1,}", "\\d?|[_-]", "a{0}", "[A-Z]\\d+"];
    const expressions = patterns.map((one) => {
      const pattern = parseValuePattern(one);
      const expected = values.map((value) => fitsPattern(pattern, value));
      return `[${values.map(celText).join(", ")}].map(v, v.matches(${celText(regexOf(pattern))})) == [${expected.join(", ")}]`;
    });
    assert.match(await evaluate("patterns", expressions), /all before hold/);
  });

  it("let nobody in by the name of a setter, whatever it is", async () => {
    const names = [...hostile, ...fc.sample(text, { numRuns: 200, seed: 4 })].filter((name) =>
      /^\P{Cc}{1,253}$/u.test(name),
    );
    const keys = names.slice(0, 60).map((name, index) => ({
      key: `k${index}`,
      appliesTo: ["Namespace"],
      setters: { users: [name], groups: [name] },
      action: "Deny",
    }));
    const read = readLabelTaxonomy({ apiVersion: "", kind: "", metadata: { name: "hostile" }, spec: { keys } });
    assert.ok("value" in read, JSON.stringify(read));
    const cluster = new TaxonomyCluster(new Api(connectionOf({ kubeconfig: server().kubeconfig() })));
    for (const object of admissionOf(read.value)) await cluster.apply(object, new AbortController().signal);
    for (const { key } of keys)
      await until(`${key} to be refused`, async () => {
        const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "new", labels: { [key]: "x" } } };
        const { says } = await ask(server(), "admin", { method: "POST", path: "/api/v1/namespaces", body });
        return says.includes(`label ${key} of the namespace: this user may not set, change or remove that value`);
      });
  });
});

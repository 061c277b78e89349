import assert from "node:assert/strict";
import fc from "fast-check";
import { matches } from "../../../policy/selector/syntax.ts";
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
  "${x}",
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
});

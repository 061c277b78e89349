import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { applyTemplates } from "../../../sinks/elasticsearch/apply-templates.ts";
import { dataSetNames } from "../../../sinks/elasticsearch/documents/data-sets.ts";
import { connectElastic, type Elastic } from "../../../sinks/elasticsearch/elastic.ts";
import {
  hashOf,
  stepOf,
  type Template,
  type TemplateBody,
  templatesOf,
  templateVersion,
} from "../../../sinks/elasticsearch/templates.ts";
import { needsServices } from "../../support/needs-services.ts";

const settings = { shards: 1, replicas: 0, refreshMs: 1000 };
const forever = new AbortController().signal;

describe("templates of Elasticsearch", () => {
  const [wanted] = templatesOf(settings) as [Template];
  const changed = { ...wanted.body, template: { settings: { index: { codec: "default" } } } };
  const meta = (version: number, content: object) => ({ sluice: { version, hash: hashOf(content) } });
  const later = templateVersion + 1;
  const [settingsOfAll] = templatesOf({ ...settings, replicas: 2 }) as [Template];

  const cases: readonly (readonly [string, TemplateBody | undefined, string, string])[] = [
    ["are made where there are none", undefined, "create", "create"],
    ["stay where they are as wanted", wanted.body, "keep", "keep"],
    ["follow the settings", settingsOfAll.body, "update", "update"],
    ["of an older version are replaced", { ...wanted.body, _meta: meta(0, wanted.body) }, "update", "update"],
    ["that a person changed stay, unless told", changed, "changed", "update"],
    ["that a person made stay, unless told", { template: {} }, "changed", "update"],
    ["of a later version stay", { ...wanted.body, _meta: meta(later, wanted.body) }, "newer", "newer"],
    [
      "of a later version that a person changed stay",
      { ...changed, _meta: meta(later, wanted.body) },
      "newer",
      "newer",
    ],
  ];
  for (const [title, found, step, forced] of cases)
    it(title, () => assert.deepEqual([stepOf(wanted, found, false), stepOf(wanted, found, true)], [step, forced]));

  it("have another version if they say something else", () => {
    const all = JSON.stringify(templatesOf(settings).map(({ name, body }) => [name, hashOf(body)]));
    const hash = createHash("sha256").update(all).digest("hex").slice(0, 16);
    assert.deepEqual(
      [templateVersion, hash],
      [2, "24d91afaacd2f859"],
      "raise templateVersion, then write its hash here",
    );
  });

  describe("in a real Elasticsearch", () => {
    const address = needsServices("elasticsearch");
    let elastic: Elastic;

    before(async () => {
      elastic = await connectElastic({ urls: [address("elasticsearch")] });
      await removeAll();
    });

    after(async () => {
      if (elastic === undefined) return;
      await removeAll();
      await elastic.close();
    });

    async function removeAll() {
      for (const { kind, name } of templatesOf(settings).toReversed())
        await elastic.ask({ method: "DELETE", path: `/_${kind}_template/${name}` });
    }

    const steps = async (force = false) => {
      const applied = await applyTemplates(elastic, templatesOf(settings), { force, signal: forever });
      return [...new Set(applied.map(({ step }) => step))];
    };

    it("are made once, come back as they were written, and are left alone from then on", async () => {
      assert.deepEqual(await steps(), ["create"]);
      assert.deepEqual(await steps(), ["keep"]);
    });

    it("give an index the fields, the alias and the settings", async () => {
      for (const set of dataSetNames) {
        const name = `sluice-${set}-templatetest-2026.11.23`;
        await elastic.ask({ method: "PUT", path: `/${name}` });
        const { body } = await elastic.ask<Record<string, { aliases: object; mappings: { dynamic: string } }>>({
          method: "GET",
          path: `/${name}`,
        });
        await elastic.ask({ method: "DELETE", path: `/${name}` });
        assert.deepEqual(body[name]?.aliases, { [`sluice-${set}`]: {} });
        assert.equal(body[name]?.mappings.dynamic, "false");
      }
    });

    it("that a person changed are told and left, until told to overwrite them", async () => {
      const path = "/_component_template/sluice-settings";
      await elastic.ask({ method: "PUT", path, body: { template: { settings: { number_of_shards: 3 } } } });
      assert.deepEqual(await steps(), ["changed", "keep"]);
      assert.deepEqual(await steps(true), ["update", "keep"]);
      assert.deepEqual(await steps(), ["keep"]);
    });
  });
});

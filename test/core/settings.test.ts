import assert from "node:assert/strict";
import { z } from "zod";
import { resolveConfig } from "../../core/config-sources.ts";
import { settingsOf } from "../../core/settings.ts";

const schema = z.strictObject({
  kafka: z
    .strictObject({
      topicPrefix: z.string().default("sluice").describe("Begins the names of topics."),
      password: z.string().min(8, "must have 8 characters").optional().describe("Of the user.").meta({ secret: true }),
      tls: z.boolean().default(false).describe("Encrypt."),
    })
    .prefault({}),
});
const settings = settingsOf(schema);

describe("core/settings", () => {
  it("names a leaf in the file, as a flag and as a variable", () => {
    const { path, flag, variable } = settings[0] as (typeof settings)[0];
    assert.deepEqual(
      [path, flag, variable],
      ["kafka.topicPrefix", "--kafka.topic-prefix", "SLUICE_KAFKA_TOPIC_PREFIX"],
    );
  });

  it("knows description, default and secrets of the schema", () => {
    assert.deepEqual(
      settings.map((setting) => [setting.kind, setting.description, setting.default, setting.secret]),
      [
        ["text", "Begins the names of topics.", "sluice", false],
        ["text", "Of the user.", undefined, true],
        ["boolean", "Encrypt.", false, false],
      ],
    );
  });

  for (const { text, value } of [
    { text: "true", value: true },
    { text: "false", value: false },
    { text: true, value: true },
  ])
    it(`reads ${JSON.stringify(text)} as ${value}`, () =>
      assert.equal(resolveConfig(schema, settings, { flags: { "kafka.tls": text } }).kafka.tls, value));

  it("does not repeat a secret in a message", () => {
    for (const password of ["hunter2", true])
      assert.throws(
        () => resolveConfig(schema, settings, { flags: { "kafka.password": password } }),
        (thrown: Error) =>
          thrown.message.includes("--kafka.password: must") && !thrown.message.includes(String(password)),
      );
  });

  it("refuses another word for a boolean", () => {
    assert.throws(() => resolveConfig(schema, settings, { env: { SLUICE_KAFKA_TLS: "yes" } }), {
      message: 'the configuration is not accepted:\n  SLUICE_KAFKA_TLS: must be true or false, not "yes"',
    });
  });
});

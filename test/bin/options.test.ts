import assert from "node:assert/strict";
import { Command } from "commander";
import { addSettings, configOf, durationOption } from "../../bin/options.ts";

describe("bin/options", () => {
  const parse = (text: string) => durationOption().parseArg?.(text, undefined);

  for (const [text, ms] of [
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
  ] as const)
    it(`reads ${text} as ${ms} ms`, () => assert.equal(parse(text), ms));

  for (const text of ["", "30", "s", "-3s", "0s", "3 s", "3s x", "3y"])
    it(`refuses "${text}" as a duration`, () =>
      assert.throws(() => parse(text), { code: "commander.invalidArgument", message: /Write a duration/ }));

  const own = { defaults: { "collector.windowMs": 1_000 }, decided: ["objects.folder"] };
  const optionsOf = (...args: readonly string[]) => {
    const command = addSettings(new Command().exitOverride().configureOutput({ writeErr: () => {} }), own);
    return command.parse(args, { from: "user" }).opts();
  };

  for (const { title, args, env, windowMs } of [
    { title: "a command's default", args: [], env: {}, windowMs: 1_000 },
    { title: "a variable before it", args: [], env: { SLUICE_COLLECTOR_WINDOW_MS: "2000" }, windowMs: 2_000 },
    {
      title: "a flag before a variable",
      args: ["--collector.window-ms", "3000"],
      env: { SLUICE_COLLECTOR_WINDOW_MS: "2000" },
      windowMs: 3_000,
    },
  ])
    it(`takes ${title}`, () => assert.equal(configOf(optionsOf(...args), env, own).collector.windowMs, windowMs));

  it("has no flag for what the command decides itself", () =>
    assert.throws(() => optionsOf("--objects.folder", "x"), { code: "commander.unknownOption" }));
});

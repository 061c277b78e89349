import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { exitCodeOf } from "../../bin/exit-codes.ts";
import { type ErrorCode, errorCodes, SluiceError } from "../../core/errors.ts";

const usage = new Set([
  "ADDRESS_INVALID",
  "CONFIG_INVALID",
  "FILTER_INVALID",
  "MANIFEST_INVALID",
  "SELECTOR_INVALID",
  "USAGE",
]);

function sluice(...args: readonly string[]) {
  const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
}

const demo = fileURLToPath(new URL("../../lab/demo", import.meta.url));
const trace = ["trace", "--objects", demo, "--from", "dev-shop/web", "--to"];

const commands: readonly { title: string; args: readonly string[]; code: number; says: RegExp }[] = [
  { title: "help", args: ["--help"], code: 0, says: /^$/ },
  { title: "help of a command", args: ["flows", "--help"], code: 0, says: /^$/ },
  { title: "a command that does not exist", args: ["flow"], code: 2, says: /Did you mean flows/ },
  {
    title: "a flag that does not exist",
    args: ["lab", "up", "x", "--nmae", "x"],
    code: 2,
    says: /Did you mean --name/,
  },
  {
    title: "a filter that does not parse",
    args: ["flows", "--filter", "verdict = dny"],
    code: 2,
    says: /did you mean deny\?\n.*\n {12}\^\^\^/,
  },
  {
    title: "a configuration that is not accepted",
    args: ["config", "--log.level", "loud"],
    code: 2,
    says: /log\.level/,
  },
  { title: "a trace that is denied", args: [...trace, "service:prod-shop/cart", "--port", "80"], code: 3, says: /^$/ },
  { title: "a trace of nobody", args: [...trace, "nobody/here", "--port", "80"], code: 2, says: /is no pod/ },
];

describe("bin/exit-codes", function () {
  this.timeout(20_000);
  for (const code of Object.keys(errorCodes) as ErrorCode[])
    it(`${code} ends with ${usage.has(code) ? "2: usage" : "1: failed"}`, () => {
      assert.equal(exitCodeOf(new SluiceError(code, "")), usage.has(code) ? 2 : 1);
    });
  it("what nobody expected ends with 1", () => assert.equal(exitCodeOf(new Error("")), 1));

  for (const { title, args, code, says } of commands)
    it(`${title} ends with ${code}`, () => {
      const { status, stderr } = sluice(...args);
      assert.equal(status, code, stderr);
      assert.match(stderr, says);
    });

  for (const shell of ["bash", "zsh", "fish"])
    it(`prints a completion script for ${shell}`, () => {
      const { status, stdout } = sluice("completion", shell);
      assert.equal(status, 0);
      assert.match(stdout, /sluice/);
    });

  it("completes commands, flags, their values and fields", () => {
    assert.match(sluice("complete", "--", "comple").stdout, /^completeness\t/m);
    assert.match(sluice("complete", "--", "flows", "--from-n").stdout, /^--from-namespace\t/m);
    assert.match(sluice("complete", "--", "flows", "--output", "js").stdout, /^jsonl/m);
    assert.match(sluice("complete", "--", "top", "src.la").stdout, /^src\.labels/m);
  });
});

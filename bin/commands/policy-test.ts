import { readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Command, Option } from "commander";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import { Output } from "../../sinks/live/output.ts";
import { clean, plural } from "../../sinks/live/text.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { junitText } from "../junit.ts";
import { podToHostOption } from "../pod-to-host-option.ts";
import { openPolicyFolder } from "../policy-folder.ts";
import { type CaseResult, parseTestFile, runCases } from "../policy-test.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
A test file is YAML; from and to as in "sluice trace", by is the policy that must decide, tier the tier:

  objects: ../policies          # folder of manifests, from where the file stands; --objects beats it
  cases:
    - { from: prod-web/web, to: prod-shop/cart, port: 8080, expect: allow, by: app.cart }
    - { name: dev never talks to prod, from: dev-shop/web, to: service:prod-shop/cart, port: 80, expect: deny, tier: security }

Examples:
  sluice policy test test/policies.yaml
  sluice policy test test/policies.yaml --objects policies/ --junit report.xml
${exitCodeHelp}`;

interface Options extends ProgramSettings {
  readonly objects?: string;
  readonly pending: boolean;
  readonly junit?: string;
  readonly output: "text" | "json";
}

export function policyTestCommand(rim: Rim = realRim): Command {
  return new Command("test")
    .description("hold policies to expected verdicts; made for CI")
    .argument("<file>", "YAML file of cases")
    .option(
      "--objects <folder>",
      "folder of Kubernetes YAML with pods and policies (default: as the file says, else ./manifests)",
    )
    .option("--pending", "as if everything staged were in force", false)
    .addOption(podToHostOption())
    .option("--junit <file>", "also write the results as JUnit XML")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .addHelpText("after", examples)
    .action(async (file: string, { objects, pending, podToHost, junit, output }: Options) => {
      const test = parseTestFile(file, await read(file));
      const own = test.objects === undefined ? "./manifests" : resolve(dirname(file), test.objects);
      const folder = await openPolicyFolder(objects ?? own, rim, { podToHost });
      const results = runCases(folder, test.cases, pending);
      if (junit !== undefined) await write(junit, junitText(file, results));
      const text = output === "json" ? `${JSON.stringify(results, null, 2)}\n` : results.map(resultText).join("");
      await new Output(rim.stdout).write(text);
      const bad = results.filter(({ result }) => result !== "passed").length;
      rim.note(`${plural(results.length, "case")}, ${results.length - bad} passed, ${bad} failed`);
      rim.exit(bad === 0 ? exitCodes.done : exitCodes.finding);
    });
}

function resultText({ name, result, expected, got }: CaseResult): string {
  if (result === "passed") return `✓ ${clean(name)}\n`;
  const lines = [
    `✗ ${clean(name)}`,
    `    expected ${clean(expected)}`,
    ...got.map((line) => `    got      ${clean(line)}`),
  ];
  return `${lines.join("\n")}\n`;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    throw new SluiceError("USAGE", `the test file cannot be read: ${messageOf(thrown)}`, { cause: thrown });
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (thrown) {
    throw new SluiceError("SINK_FAILED", `the report cannot be written: ${messageOf(thrown)}`, { cause: thrown });
  }
}

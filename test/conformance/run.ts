import { basename } from "node:path";
import { messageOf } from "../../core/errors.ts";
import { readCases } from "./case.ts";
import { check } from "./check.ts";

// npm run conformance -- FILE...: checks the policy engine against truth tables; exits 1 if any case fails.

const shownPerCase = 5;

const usage = `usage: npm run conformance -- FILE...

Checks the policy engine against truth tables (one JSON case per line; docs/conformance.md).
Prints the failing cases and, per file, how many passed. Exit code 0: all passed, 1: a case failed, 2: no such file.`;

function main(files: readonly string[]): number {
  if (files.length === 0 || files.includes("--help") || files.includes("-h")) {
    console.log(usage);
    return files.length === 0 ? 2 : 0;
  }
  const results = files.map(runFile);
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  console.log(`total: ${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function runFile(path: string): { passed: number; failed: number } {
  const outcomes = readCases(path).map((one) => ({ id: one.value.id, faults: check(one) }));
  const failing = outcomes.filter(({ faults }) => faults.length > 0);
  for (const { id, faults } of failing) {
    console.log(`FAIL ${id}`);
    for (const fault of faults.slice(0, shownPerCase)) console.log(`     ${fault}`);
    if (faults.length > shownPerCase) console.log(`     and ${faults.length - shownPerCase} more`);
  }
  const [passed, failed] = [outcomes.length - failing.length, failing.length];
  console.log(`${basename(path)}: ${passed} passed, ${failed} failed`);
  return { passed, failed };
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (thrown) {
  console.error(messageOf(thrown));
  process.exitCode = 2;
}

import type { CaseResult } from "./policy-test.ts";

// JUnit XML as CI systems read it (github.com/testmoapp/junitxml): testsuites > testsuite > testcase > failure | error.

/** The results of one test file. Without times: the same results give the same bytes. */
export function junitText(suite: string, results: readonly CaseResult[]): string {
  const count = (result: CaseResult["result"]) => results.filter((one) => one.result === result).length;
  const counts = `tests="${results.length}" failures="${count("failed")}" errors="${count("error")}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${xmlText(suite)}" ${counts}>`,
    ...results.flatMap((one) => caseLines(suite, one)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseLines(suite: string, { name, result, expected, got }: CaseResult): readonly string[] {
  const open = `    <testcase name="${xmlText(name)}" classname="${xmlText(suite)}"`;
  if (result === "passed") return [`${open}/>`];
  const element = result === "failed" ? "failure" : "error";
  const text = [`expected ${expected}`, ...got.map((line) => `got ${line}`)].join("\n");
  const message = xmlText(got[0] ?? "");
  return [`${open}>`, `      <${element} message="${message}">${xmlText(text)}</${element}>`, "    </testcase>"];
}

/** XML 1.0 has no way to write most control characters. */
function xmlText(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

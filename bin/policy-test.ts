import { z } from "zod";
import { SluiceError } from "../core/errors.ts";
import { readYaml } from "../core/kube/yaml.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import { ruleTitle } from "../policy/explain.ts";
import { policyId, policyPath } from "../policy/kind-names.ts";
import { problemsOf } from "../policy/kinds/reading.ts";
import { explain } from "../policy/kinds/wording.ts";
import type { RuleOrigin } from "../policy/program.ts";
import type { Verdict } from "../policy/verdict.ts";
import { connectionsOf, type Question } from "./connections.ts";
import { decidersOf } from "./deciders.ts";
import { type PolicyFolder, situationOf } from "./policy-folder.ts";
import { checkPort, parseProtocol, trafficText } from "./protocol-text.ts";
import { exemptions } from "./trace.ts";

// A test file => { objects?: folder, cases: [case, …] } (docs/policy.md); as a Kubernetes object it may have apiVersion, kind and metadata.
const testCase = z.strictObject({
  name: z.string().optional(),
  from: z.string(),
  to: z.string(),
  port: z.int().min(0).max(65535).optional(),
  protocol: z.union([z.string(), z.int()]).default("TCP"),
  family: z.union([z.literal(4), z.literal(6)]).optional(),
  expect: z.enum(["allow", "deny"]),
  by: z.string().optional(),
  tier: z.string().optional(),
});

const testFile = z.strictObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.looseObject({}).optional(),
  objects: z.string().optional(),
  cases: z.array(testCase).min(1, "a test without cases tests nothing"),
});

export type PolicyTestCase = z.output<typeof testCase>;
export type PolicyTestFile = z.output<typeof testFile>;

/** Reads a test file. Throws MANIFEST_INVALID naming each field that is wrong. */
export function parseTestFile(file: string, text: string): PolicyTestFile {
  const [document, ...others] = readYaml(text);
  const refuse = (message: string) => new SluiceError("MANIFEST_INVALID", `${file}: ${message}`, { context: { file } });
  if (document === undefined) throw refuse("is empty");
  if (document.error !== null) throw refuse(`line ${document.line}: ${document.error}`);
  if (others.some(({ value }) => value !== undefined)) throw refuse("has several documents; write all cases in one");
  const read = testFile.safeParse(document.value, { error: explain });
  if (read.success) return read.data;
  const problems = read.error.issues.flatMap((issue) => problemsOf(issue, ""));
  throw refuse(problems.map(({ field, message }) => `${field || "the file"}: ${message}`).join("; "));
}

/** What came of a case. Keys as `-o json` prints them. */
export interface CaseResult {
  readonly name: string;
  readonly result: "passed" | "failed" | "error";
  readonly expected: string;
  /** What was found instead, one for each connection that differs; empty if it passed. */
  readonly got: readonly string[];
}

/** Asks every case about the policies in force, or those that would be if everything staged were. */
export function runCases(
  folder: PolicyFolder,
  cases: readonly PolicyTestCase[],
  pending: boolean,
): readonly CaseResult[] {
  const { program, placement } = situationOf(folder, pending);
  const evaluate = evaluatorOf(program, placement);
  return cases.map((one) => {
    const name = one.name ?? titleOf(one);
    const expected = expectation(one);
    try {
      const connections = connectionsOf(placement, folder.objects, questionOf(one));
      const got = connections.flatMap(({ from, to, port, packet }) => {
        const verdict = evaluate(packet);
        const deciders = decidersOf(verdict, program);
        if (verdict.action === one.expect && isDecidedBy(one, deciders)) return [];
        return [
          `${verdict.action}: ${reasonOf(verdict, deciders)} (${from} -> ${to}, ${trafficText(packet.protocol, port)})`,
        ];
      });
      return { name, result: got.length === 0 ? "passed" : "failed", expected, got };
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown;
      return { name, result: "error", expected, got: [thrown.message] };
    }
  });
}

function questionOf({ from, to, port, protocol, family }: PolicyTestCase): Question {
  const number = parseProtocol(String(protocol), "protocol");
  checkPort(number, port ?? null, "port");
  return { from, to, port: port ?? null, protocol: number, family: family ?? null };
}

function titleOf({ from, to, port, protocol, expect }: PolicyTestCase): string {
  return `${from} -> ${to} ${protocol}${port === undefined ? "" : ` ${port}`}: ${expect}`;
}

function expectation({ expect, by, tier }: PolicyTestCase): string {
  return [expect, ...(by === undefined ? [] : [`by ${by}`]), ...(tier === undefined ? [] : [`in tier ${tier}`])].join(
    " ",
  );
}

/** One of them must be the policy, and of the tier, that is expected. */
function isDecidedBy({ by, tier }: PolicyTestCase, deciders: readonly RuleOrigin[]): boolean {
  if (by === undefined && tier === undefined) return true;
  return deciders.some(
    (origin) =>
      (tier === undefined || origin.tier === tier) &&
      (by === undefined || [origin.name, policyPath(origin), policyId(origin)].includes(by)),
  );
}

function reasonOf({ exempt }: Verdict, deciders: readonly RuleOrigin[]): string {
  if (exempt !== null) return exemptions[exempt];
  return deciders.length === 0 ? "neither end is subject to policy" : deciders.map(ruleTitle).join("; ");
}

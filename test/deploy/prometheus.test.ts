import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type MetricDeclaration, metricTable } from "../../core/metrics.ts";
import { needsProgram } from "../support/debian-program.ts";
import { type AlertCase, alertCases } from "./alert-cases.ts";
import { type AlertRule, alertRules, alertRulesFile } from "./alert-rules.ts";
import { readPromql } from "./promql.ts";

/** Of Prometheus itself and of every Node program (prom-client). */
const others = new Set(["up", "process_start_time_seconds", "nodejs_eventloop_lag_p99_seconds"]);
const scraped = ["job", "instance"];
const table: Readonly<Record<string, MetricDeclaration>> = metricTable;

function declarationOf(metric: string): MetricDeclaration | undefined {
  const histogram = table[metric.replace(/_(bucket|sum|count)$/, "")];
  return table[metric] ?? (histogram?.type === "histogram" ? histogram : undefined);
}

describe("deploy/prometheus", () => {
  const rules = alertRules();
  for (const rule of rules)
    describe(rule.alert, () => {
      const { errors, selectors, grouping } = readPromql(rule.expr);
      const declared = selectors.map(({ metric }) => declarationOf(metric));
      it("asks in PromQL for metrics and labels that there are", () => {
        assert.deepEqual(errors, []);
        assert.ok(selectors.length > 0);
        for (const { metric, labels } of selectors.filter((one) => !others.has(one.metric))) {
          const known = declarationOf(metric)?.labels;
          assert.ok(known !== undefined, `no metric ${metric}`);
          assert.deepEqual(
            labels.filter((label) => !known.includes(label)),
            [],
            metric,
          );
        }
        const all = new Set(["le", ...scraped, ...declared.flatMap((one) => one?.labels ?? [])]);
        assert.deepEqual(
          grouping.filter((label) => !all.has(label)),
          [],
        );
      });
      it("says how bad it is, what it is and where to read on", () => {
        assert.match(rule.labels["severity"] ?? "", /^(critical|warning|info)$/);
        assert.match(rule.annotations["summary"] ?? "", /\S/);
        assert.equal(rule.annotations["runbook_url"], `docs/runbook.md#${rule.alert.toLowerCase()}`);
      });
      it("names labels in its texts that it has", () => {
        const told = Object.values(rule.annotations).flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)]);
        const kept = new Set(isSummed(rule) ? grouping : [...scraped, ...declared.flatMap((one) => one?.labels ?? [])]);
        assert.deepEqual(
          told.map(([, label]) => label as string).filter((label) => !kept.has(label)),
          [],
        );
      });
    });

  it("has a name for each alert once, and a case for each", () => {
    const names = rules.map(({ alert }) => alert);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(alertCases.map(({ alert }) => alert).sort(), [...names].sort());
  });

  describe("as promtool reads it", () => {
    const promtool = needsProgram({ program: "promtool", packages: ["prometheus"] });
    const run = (...args: readonly string[]) =>
      execFileSync(promtool().path, args, { encoding: "utf8", env: promtool().env, stdio: "pipe" });
    it("is a file of rules", () => {
      assert.match(run("check", "rules", alertRulesFile), new RegExp(`SUCCESS: ${rules.length} rules found`));
    });
    for (const one of alertCases) {
      const rule = rules.find(({ alert }) => alert === one.alert) as AlertRule;
      it(`${one.alert} fires`, () => evaluated(run, rule, one, true));
      it(`${one.alert} is silent`, () => evaluated(run, rule, one, false));
    }
  });
});

const isSummed = ({ expr }: AlertRule): boolean => /\bby \(/.test(expr);

/** Has promtool evaluate the rules over such series, and fail if the alert is not as expected. */
function evaluated(
  run: (...args: readonly string[]) => string,
  { alert, labels: { severity } }: AlertRule,
  one: AlertCase,
  fires: boolean,
): void {
  const series = fires ? one.fires : one.silent;
  const minutes = fires ? one.minutes : (one.silentMinutes ?? one.minutes);
  const names = Object.entries({ alertname: alert, alertstate: "firing", severity, ...one.labels });
  const text = names.map(([name, value]) => `${name}="${value}"`).join(", ");
  const tests = {
    rule_files: [alertRulesFile],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: `ALERTS{alertname="${alert}", alertstate="firing"}`,
            eval_time: `${minutes}m`,
            exp_samples: fires ? [{ labels: `ALERTS{${text}}`, value: 1 }] : [],
          },
        ],
      },
    ],
  };
  const folder = mkdtempSync(join(tmpdir(), "sluice-alerts-"));
  try {
    const file = join(folder, "test.yaml");
    writeFileSync(file, stringify(tests));
    run("test", "rules", file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

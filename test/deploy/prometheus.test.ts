import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type MetricDeclaration, metricTable } from "../../core/metrics.ts";
import { needsProgram } from "../support/debian-program.ts";
import { type AlertCase, alertCases, type Series } from "./alert-cases.ts";
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
    it("fires and is silent as each case says", function () {
      this.timeout(60_000);
      const folder = mkdtempSync(join(tmpdir(), "sluice-alerts-"));
      try {
        // Each rule by itself: all of them in every case take forty times as long.
        const files = alertCases.map((one) => {
          const rule = rules.find(({ alert }) => alert === one.alert) as AlertRule;
          const [ruleFile, file] = [join(folder, `${one.alert}.yaml`), join(folder, `${one.alert}.test.yaml`)];
          writeFileSync(ruleFile, stringify({ groups: [{ name: one.alert, rules: [rule] }] }));
          const excused = (one.excuses ?? []).map((excuse) => silentTest(rule, one, { ...one.fires, ...excuse }));
          const tests = [firingTest(rule, one), silentTest(rule, one, one.silent, one.silentMinutes), ...excused];
          writeFileSync(file, stringify({ rule_files: [ruleFile], evaluation_interval: "1m", tests }));
          return file;
        });
        run("test", "rules", ...files);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});

const isSummed = ({ expr }: AlertRule): boolean => /\bby \(/.test(expr);

/** As promtool takes it: series, and what of this alert is to be there. */
function firingTest({ alert, labels: { severity } }: AlertRule, { fires, labels, minutes }: AlertCase): object {
  const names = Object.entries({ alertname: alert, alertstate: "firing", severity, ...labels });
  const told = `ALERTS{${names.map(([name, value]) => `${name}="${value}"`).join(", ")}}`;
  return testOf(alert, fires, minutes, [{ labels: told, value: 1 }]);
}

function silentTest({ alert }: AlertRule, one: AlertCase, series: Series, minutes = one.minutes): object {
  return testOf(alert, series, minutes, []);
}

function testOf(alert: string, series: Series, minutes: number, samples: readonly object[]): object {
  return {
    interval: "1m",
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `ALERTS{alertname="${alert}", alertstate="firing"}`,
        eval_time: `${minutes}m`,
        exp_samples: samples,
      },
    ],
  };
}

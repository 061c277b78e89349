import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

/** A rule as Prometheus reads it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export const alertRulesFile = fileURLToPath(new URL("../../deploy/prometheus/sluice.rules.yaml", import.meta.url));

export function alertRules(): readonly AlertRule[] {
  const { groups } = parse(readFileSync(alertRulesFile, "utf8")) as { groups: readonly { rules: AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

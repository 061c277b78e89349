import type { Config } from "../../core/config.ts";
import { connectionTable, kernel, libraries, probes, programsThere, rights, sysctls } from "./base.ts";
import type { Check, Finding } from "./check.ts";
import type { Machine } from "./machine.ts";
import { bridges, foreignRules, ipvs, labels, logGroup, network } from "./neighbours.ts";
import { clock, disk } from "./resources.ts";

const checks: readonly Check[] = [
  rights,
  programsThere,
  libraries,
  kernel,
  probes,
  sysctls,
  connectionTable,
  network,
  bridges,
  ipvs,
  labels,
  logGroup,
  foreignRules,
  disk,
  clock,
];

export function examine(machine: Machine, config: Config): readonly Finding[] {
  return checks.flatMap((check) => check(machine, config));
}

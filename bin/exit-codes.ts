import { type ErrorCode, SluiceError } from "../core/errors.ts";

/** What `sluice` tells its caller; in every command's help. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  finding: 3,
} as const;

export const exitCodeHelp = `
Exit codes:
  0    done
  1    failed while working, or this machine lacks something it needs
  2    the command line, the configuration, a manifest or a filter is not accepted
  3    something was found: trace: denied; completeness: something is missing; doctor: a check failed;
       policy validate: an error; test: a failed case; import-check, diff, effect: a difference; impact: something newly denied;
       enforce rollout: something is held back, or break-glass is on; enforce restore: there were no last good rules
       labels: a label that is wrong or lacking; rbac can: no
       enforce check: refused; enforce diff, verify: a difference; node status: a node does not enforce
  130  Ctrl-C ended flows --follow, or a second one (SIGTERM: 143, SIGHUP: 129) anything else, without cleaning up`;

/** What the user wrote and can write otherwise; everything else is a failure. */
const usage: ReadonlySet<ErrorCode> = new Set([
  "ADDRESS_INVALID",
  "CONFIG_INVALID",
  "FILTER_INVALID",
  "MANIFEST_INVALID",
  "SELECTOR_INVALID",
  "USAGE",
]);

export function exitCodeOf(thrown: unknown): number {
  return thrown instanceof SluiceError && usage.has(thrown.code) ? exitCodes.usage : exitCodes.failed;
}

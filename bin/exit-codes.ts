import { type ErrorCode, SluiceError } from "../core/errors.ts";

/** What `sluice` tells its caller; in every command's help. */
export const exitCodes = {
  done: 0,
  denied: 1,
  notAccepted: 2,
  machine: 3,
  failed: 4,
} as const;

export const exitCodeHelp = `
Exit codes:
  0  done; trace: the packet is allowed
  1  trace: the packet is denied
  2  the command line, the configuration or a manifest is not accepted
  3  this machine lacks something: root, nftables, a kernel option, a free port
  4  failed while working
  129, 130, 143  ended by a second SIGHUP, SIGINT or SIGTERM, without cleaning up`;

const codes: Partial<Readonly<Record<ErrorCode, number>>> = {
  ADDRESS_INVALID: exitCodes.notAccepted,
  CONFIG_INVALID: exitCodes.notAccepted,
  DEPENDENCY_MISSING: exitCodes.machine,
  MANIFEST_INVALID: exitCodes.notAccepted,
  PERMISSION_DENIED: exitCodes.machine,
  PORT_TAKEN: exitCodes.machine,
  SELECTOR_INVALID: exitCodes.notAccepted,
  USAGE: exitCodes.notAccepted,
};

export function exitCodeOf(thrown: unknown): number {
  return (thrown instanceof SluiceError ? codes[thrown.code] : undefined) ?? exitCodes.failed;
}

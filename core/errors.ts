/**
 * Every code an error of ours can carry, and what a person should do about it.
 * `docs/reference/errors.md` is generated from this table.
 */
export const errorCodes = {
  ACCESS_DENIED: "The API server does not grant this user what was asked for; the message says what it takes.",
  ADDRESS_INVALID: "A text or byte string is no IP address or CIDR.",
  BUS_FAILED: "A topic of the bus could not be read; it is tried again.",
  CONFIG_INVALID: "A flag, environment variable or configuration file holds a value that is not accepted.",
  CONTROL_INVALID:
    "A file of the control folder is not accepted: not ours, of somebody else, or it says what nobody asks for.",
  CONTROL_UNANSWERED: "No running Sluice answers on this data folder, or it did not do what it was asked.",
  DATA_IN_USE: "Another process works on this data folder.",
  DATA_VERSION: "The data folder was written by a version whose format this one does not read.",
  DECODE_FAILED: "A message from the kernel or the bus could not be decoded; it is counted and skipped.",
  DEPENDENCY_MISSING: "A program, library or kernel option that Sluice needs is not on this machine.",
  ELASTICSEARCH_FAILED: "Elasticsearch did not answer, or refused a request.",
  FILTER_INVALID: "A filter does not parse, or names a field that does not exist.",
  KUBE_FAILED: "The Kubernetes API server did not answer, or refused a request; its own message says why.",
  LAB_FAILED: "A command that builds or removes the lab cluster failed.",
  LAST_GOOD_INVALID: "What was kept on disk of the last good rules is damaged or not ours; it is not used.",
  MANIFEST_INVALID: "A Kubernetes object does not parse or validate; the last good state stays in force.",
  NOT_IN_STORE:
    "The store that was asked does not hold what was asked for, or not in that detail; ask another, or otherwise.",
  NETLINK_FAILED: "The kernel refused a netlink request.",
  NFT_FAILED: "The kernel refused an nftables transaction; the earlier ruleset stays in force.",
  PERMISSION_DENIED: "Sluice must run as root (or with CAP_NET_ADMIN and CAP_SYS_ADMIN) for this command.",
  PORT_TAKEN: "An address that Sluice should listen on is in use.",
  REGISTRY_FAILED:
    "The schema registry did not do what it was asked: it is away, refuses us, or our schema does not go with its latest.",
  SELECTOR_INVALID: "A label selector does not parse.",
  SINK_FAILED: "A sink could not store a batch.",
  SNAPSHOT_INVALID: "What the change log knew when it ended is damaged, or another cluster's; the log begins anew.",
  STORE_FAILED: "The archive could not be written or read.",
  USAGE: "The command line is not understood.",
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** True if trying again later may help (a dependency that is away). */
  readonly retriable?: boolean;
  /** Names of the things concerned: file, node, field. Logged as fields. */
  readonly context?: Readonly<Record<string, string | number>>;
}

/** An expected failure: bad input or a dependency that is away. Our own broken invariants throw a plain Error instead. */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly retriable: boolean;
  readonly context: Readonly<Record<string, string | number>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "SluiceError";
    this.code = code;
    this.retriable = details.retriable ?? false;
    this.context = details.context ?? {};
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

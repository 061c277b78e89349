import { type Clock, isoTime } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { Agreement, type Disagreement } from "../enrichers/agreement.ts";

export interface DisagreementOptions {
  readonly sample: number;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly onAlert: ((text: string) => void) | undefined;
}

/** One that keeps coming is told once in this time. */
const quietMs = 60_000;
/** Different ones that are told in this time. */
const toldAtMost = 20;

/** Compares verdicts, counts them, and tells of disagreements: each is counted, and not each is told. */
export function agreementOf({ sample, metrics, clock, log, onAlert }: DisagreementOptions): Agreement {
  let told = new Map<string, number>();
  let since = clock.monotonic();
  const isQuiet = (key: string): boolean => {
    if (clock.monotonic() - since >= quietMs) [told, since] = [new Map(), clock.monotonic()];
    const times = (told.get(key) ?? 0) + 1;
    const isNew = times === 1 && told.size < toldAtMost;
    if (isNew || told.has(key)) told.set(key, times);
    return !isNew;
  };
  return new Agreement({
    sample,
    onChecked: () => metrics.add("sluice_agreement_checked_total", {}),
    onSkipped: (reason) => metrics.add("sluice_agreement_skipped_total", { reason }),
    onDisagreement: (disagreement) => {
      const { kind, direction, node, kernel, evaluator } = disagreement;
      metrics.add("sluice_agreement_disagreements_total", { kind });
      if (isQuiet([kind, direction, node, kernel.rule, evaluator.rule].join())) return;
      log.error(fieldsOf(disagreement), "the kernel and the evaluator do not agree on a connection");
      onAlert?.(disagreementText(disagreement));
    },
  });
}

/** Everything that it takes to ask both again. */
function fieldsOf({ packet, ends, at, ...rest }: Disagreement): object {
  const { kind, direction, node, kernel, evaluator, revision, placementVersion } = rest;
  const end = ({ namespace, name, labels }: Disagreement["ends"]["source"]) => ({ namespace, name, labels });
  return {
    kind,
    direction,
    node,
    kernel,
    evaluator,
    revision,
    placementVersion,
    packet,
    source: end(ends.source),
    destination: end(ends.destination),
    at: isoTime(at / 1000),
  };
}

function disagreementText({ kind, direction, node, packet, kernel, evaluator }: Disagreement): string {
  const { source, destination, destinationPort, protocol } = packet;
  const words = {
    allowed: "let through what the policies deny",
    denied: "denied what the policies allow",
    rule: "decided by another rule than the policies",
  };
  const by = `rule ${kernel.rule ?? "none"}, expected ${evaluator.rule ?? "none"}`;
  const what = `${source} → ${destination}:${destinationPort} (protocol ${protocol}, ${direction})`;
  return `the kernel of ${node} ${words[kind]}: ${what}, ${by}`;
}

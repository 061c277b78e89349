import { systemClock } from "../core/clock.ts";
import type { ManifestFault } from "../core/kube/manifest.ts";
import type { Sink } from "../core/pipeline.ts";
import type { ChangeRecord } from "../core/records/change.ts";
import type { Flow } from "../core/records/flow.ts";
import type { Loss } from "../core/records/loss.ts";
import { JsonLines } from "../sinks/live/jsonl.ts";
import { LiveView } from "../sinks/live/live-view.ts";
import { Output as Writer } from "../sinks/live/output.ts";
import { paintFor, plain } from "../sinks/live/paint.ts";
import { Summary } from "../sinks/live/summary.ts";
import { summaryLines } from "../sinks/live/summary-text.ts";
import type { PolicyNotice } from "./engine.ts";
import { faultText } from "./folder.ts";

export type OutputFormat = "table" | "jsonl";

/** Where a command's records go. */
export interface Output {
  readonly flows: Sink<Flow>;
  readonly losses: Sink<Loss>;
  readonly changes: Sink<ChangeRecord>;
  /** Watching begins, and ends: what the summary calls its time. */
  readonly begin: () => void;
  readonly end: () => void;
  /** Something worth knowing between the records. */
  readonly notice: (text: string) => void;
  /** Somebody else changed our rules; null where the records and the log say it. */
  readonly tampered: ((change: ChangeRecord, repeats: number) => void) | null;
  /** A manifest is not accepted: told now, and at the end if it still is so then. */
  readonly fault: (fault: ManifestFault) => void;
  readonly mended: (fault: ManifestFault) => void;
  /** Writes what comes at the end. */
  close(): Promise<void>;
  /** Aborts when nobody reads any more, as after `sluice up | head`. */
  readonly closed: AbortSignal;
}

/** Where no terminal sets one. */
const summaryWidth = 140;

/** `table` prints rows, notices and a summary; `jsonl` only records, with notices on stderr. */
export function openOutput(format: OutputFormat, stdout: NodeJS.WriteStream): Output {
  const writer = new Writer(stdout);
  return format === "table" ? table(writer, stdout) : jsonLines(writer);
}

function table(writer: Writer, stdout: NodeJS.WriteStream): Output {
  const isTerminal = stdout.isTTY === true;
  const paint = isTerminal ? paintFor(isTerminal, process.env) : plain;
  const width = () => stdout.columns ?? Number.POSITIVE_INFINITY;
  const view = new LiveView({ output: writer, paint, clock: systemClock, width, repeatHeader: isTerminal });
  const summary = new Summary(systemClock);
  // Notices come from callbacks; each waits for the one before, and `close` for all.
  let told: Promise<void> = Promise.resolve();
  const notice = (text: string) => {
    told = told.then(() => view.notice(text));
  };
  const faults = new Faults(notice);
  return {
    flows: {
      name: view.name,
      async write(batch) {
        for (const flow of batch) summary.addFlow(flow);
        await view.write(batch);
      },
    },
    losses: {
      name: view.losses.name,
      async write(batch, signal) {
        for (const loss of batch) summary.addLoss(loss);
        await view.losses.write(batch, signal);
      },
    },
    changes: {
      name: "live-changes",
      async write(batch) {
        // Of others people are told once for many of a kind, by `tampered`.
        for (const change of batch) if (change.control !== null) await view.changed(change);
      },
    },
    begin: () => summary.begin(),
    end: () => summary.end(),
    notice,
    tampered: (change, repeats) => {
      told = told.then(() => view.tampered(change, repeats));
    },
    fault: faults.add,
    mended: faults.remove,
    async close() {
      await told;
      await writer.write(
        `${[...summaryLines(summary.report(), stdout.columns ?? summaryWidth, paint), ...faults.lines()].join("\n")}\n`,
      );
    },
    closed: writer.closed,
  };
}

function jsonLines(writer: Writer): Output {
  const lines = new JsonLines(writer);
  const notice = (text: string) => void process.stderr.write(`${text}\n`);
  const faults = new Faults(notice);
  return {
    flows: lines,
    losses: lines.losses,
    changes: lines.changes,
    begin: () => {},
    end: () => {},
    notice,
    tampered: null,
    fault: faults.add,
    mended: faults.remove,
    close: () => Promise.resolve(),
    closed: writer.closed,
  };
}

/** What of the manifests is not accepted just now. */
class Faults {
  readonly #notice: (text: string) => void;
  readonly #standing = new Map<string, ManifestFault>();

  constructor(notice: (text: string) => void) {
    this.#notice = notice;
  }

  readonly add = (fault: ManifestFault): void => {
    this.#standing.set(faultText(fault), fault);
    this.#notice(`not accepted: ${faultText(fault)} (an earlier version of it, if there was one, stays in force)`);
  };

  readonly remove = ({ file, document }: ManifestFault): void => {
    for (const [text, fault] of this.#standing)
      if (fault.file === file && fault.document === document) this.#standing.delete(text);
  };

  lines(): readonly string[] {
    if (this.#standing.size === 0) return [];
    return [
      "",
      "Not accepted, and so not in force as written:",
      ...[...this.#standing.keys()].map((text) => `  ${text}`),
    ];
  }
}

/** `policies in force: revision 7f2e7dfd7b8e1d7d, 61 rules for 14 pods` */
export function policyText({ revision, rules, pods, missingTiers }: PolicyNotice): string {
  const missing = missingTiers.length === 0 ? "" : `; missing tiers: ${missingTiers.join(", ")}`;
  return `policies compiled: revision ${revision}, ${rules} rules for ${pods} pods${missing}`;
}

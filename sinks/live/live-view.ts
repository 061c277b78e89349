import type { Clock } from "../../core/clock.ts";
import type { Sink } from "../../core/pipeline.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import { changeText } from "./change-text.ts";
import { connectionName, FirstSeen } from "./first-seen.ts";
import { type Layout, layoutFor } from "./layout.ts";
import { lossText } from "./loss-text.ts";
import { noticeLines } from "./notice-lines.ts";
import type { Output } from "./output.ts";
import type { Paint } from "./paint.ts";
import { isShown, rowsOf, timeText } from "./row.ts";
import { headerLine, rowLines } from "./table.ts";
import { clean } from "./text.ts";

export interface LiveViewOptions {
  readonly output: Output;
  readonly paint: Paint;
  readonly clock: Clock;
  /** Columns of the terminal just now. */
  readonly width: () => number;
  /** Repeats the header when it has scrolled away; for terminals. */
  readonly repeatHeader: boolean;
  /** A second line for each row: workloads, labels, tiers that passed. */
  readonly details?: boolean;
}

const linesPerHeader = 40;

/**
 * A streaming table for people. Each connection and each denied attempt shows once, when it is first heard of; how it went on
 * is in the closing summary. Equal rows of one batch become one with a count.
 */
export class LiveView implements Sink<Flow> {
  readonly name = "live";
  readonly #options: LiveViewOptions;
  readonly #connections = new FirstSeen();
  #sinceHeader = Number.POSITIVE_INFINITY;
  #headerWidth = 0;

  constructor(options: LiveViewOptions) {
    this.#options = options;
  }

  /** What was lost, as lines of the table. */
  readonly losses: Sink<Loss> = {
    name: "live-losses",
    write: async (batch) => {
      for (const loss of batch) await this.#tell(loss.end / 1000, "! LOST", lossText(loss));
    },
  };

  async write(batch: readonly Flow[]): Promise<void> {
    const fresh = batch.filter((flow) => isShown(flow) && this.#connections.isFirst(connectionName(flow)));
    const { paint, details = true } = this.#options;
    const layout = layoutFor(this.#options.width());
    const lines = rowsOf(fresh).flatMap((row) => this.#withHeader(rowLines(row, layout, paint, details), layout));
    await this.#print(lines);
  }

  /** Something a reader should know about between the rows: policies changed, a manifest is faulty. */
  async notice(text: string): Promise<void> {
    await this.#tell(this.#options.clock.now(), "· NOTE", clean(text));
  }

  /** Somebody changed rules; what comes too often is told once for many. */
  async tampered(change: ChangeRecord, repeats: number): Promise<void> {
    const at = repeats === 0 ? change.foundAt / 1000 : this.#options.clock.now();
    await this.#tell(at, "⚠ TAMPER", changeText(change, repeats));
  }

  /** Somebody changed what decides what is protected. */
  async changed(change: ChangeRecord): Promise<void> {
    const isWrong = change.control?.authorised === "no";
    await this.#tell(change.foundAt / 1000, isWrong ? "⚠ CHANGE" : "· CHANGE", changeText(change));
  }

  async #tell(ms: number, sign: string, text: string): Promise<void> {
    const { paint, width } = this.#options;
    const style = sign.startsWith("⚠") ? "deny" : sign.startsWith("!") ? "warn" : "bold";
    const lines = noticeLines(timeText(ms), sign, text, layoutFor(width()).width).map((line) => paint(style, line));
    this.#sinceHeader += lines.length;
    await this.#print(lines);
  }

  #withHeader(lines: readonly string[], layout: Layout): readonly string[] {
    const first = this.#headerWidth === 0;
    const stale = this.#sinceHeader >= linesPerHeader || layout.width !== this.#headerWidth;
    this.#sinceHeader += lines.length;
    if (!first && !(this.#options.repeatHeader && stale)) return lines;
    this.#headerWidth = layout.width;
    this.#sinceHeader = lines.length;
    return [headerLine(layout, this.#options.paint), ...lines];
  }

  async #print(lines: readonly string[]): Promise<void> {
    await this.#options.output.write(lines.map((line) => `${line}\n`).join(""));
  }
}

import { FastMessage } from "../../collectors/conntrack/fast-message.ts";
import { Recorder, type RecorderOptions } from "../../collectors/recorder.ts";
import { batchIn, FrameWriter } from "../../collectors/spool/record-frames.ts";
import { EntryDecoder } from "../../core/conntrack/entry.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import { messageOf, type Said } from "./messages.ts";

const origin = { cluster: "c", node: "n", epoch: 1 };

/** What happens to a recorder. Times are microseconds. */
export type Step =
  | { readonly do: "tell"; readonly said: Said; readonly now: number }
  | { readonly do: "dump"; readonly said: readonly Said[]; readonly between: readonly Said[]; readonly now: number }
  | { readonly do: "flush"; readonly whole: boolean; readonly start: number; readonly end: number };

/** One of two recorders: with `fast`, what is usual goes the fast way. */
export class FedRecorder {
  readonly #fast: boolean;
  readonly recorder: Recorder;
  usual = 0;
  readonly #frames = new FrameWriter(1 << 18);

  /** `epoch`: when counting began. */
  constructor(fast: boolean, epoch: number, named: Pick<RecorderOptions, "domainOf"> = {}) {
    this.#fast = fast;
    this.recorder = new Recorder({ epoch, interfaceName: () => null, ...named });
  }

  /** The records that a step leaves. */
  step(step: Step): readonly RawFlow[] {
    switch (step.do) {
      case "tell":
        this.#tell(step.said, step.now);
        return [];
      case "dump":
        this.recorder.beginDump();
        for (const [index, said] of step.said.entries()) {
          this.#tell({ ...said, kind: "dump" }, step.now);
          const event = step.between[index];
          if (event !== undefined) this.#tell(event, step.now);
        }
        this.recorder.endDump(step.now);
        return [];
      case "flush":
        return this.#flush(step);
    }
  }

  #tell(said: Said, now: number): void {
    const bytes = messageOf(said);
    const [type, flags] = [bytes.readUInt16LE(4), bytes.readUInt16LE(6)];
    const message = new FastMessage(bytes);
    if (this.#fast && message.read(type, flags, 16, bytes.length) && this.recorder.message(message, now)) this.usual++;
    else this.recorder.entry(new EntryDecoder(bytes).decode(type, flags, 16, bytes.length), now);
  }

  /** What an orderly end remembers. */
  standing(): readonly RawFlow[] {
    const frames = this.#frames;
    frames.reset();
    const { usual } = this.recorder;
    for (let slot = usual.nextTold(0); slot >= 0; slot = usual.nextTold(slot + 1))
      frames.toldSlot(usual.slots, slot, 0);
    for (const draft of this.recorder.standing()) frames.flow({ ...origin, seq: 0, ...draft });
    return batchIn(frames.written, origin).flows;
  }

  #flush(flush: Extract<Step, { do: "flush" }>): readonly RawFlow[] {
    const frames = this.#frames;
    frames.reset();
    const { usual } = this.recorder;
    for (const draft of this.recorder.flush(flush)) frames.flow({ ...origin, seq: 0, ...draft });
    usual.takeClosed(1000, (slot) => frames.slot(usual.slots, slot, flush, 0));
    if (flush.whole)
      for (let slot = usual.nextChanged(0); slot >= 0; slot = usual.nextChanged(slot + 1))
        usual.settle(slot, frames.slot(usual.slots, slot, flush, 0).end);
    return batchIn(frames.written, origin).flows;
  }
}

import { SluiceError } from "../../core/errors.ts";
import { dnsCodec, heartbeatCodec, lossCodec } from "../../core/records/codec.ts";
import { type RawDns, rawDnsOf, unenrichedDns } from "../../core/records/dns.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { Slots } from "../conntrack/slots.ts";
import type { Batch } from "./batch.ts";
import { FlowDecoder, FlowEncoder } from "./flow-layout.ts";
import { beginFrame, endFrame, type Frame, frameAt, frameKind, maxFrameBytes } from "./frame.ts";
import type { SegmentHeader } from "./segment-header.ts";
import { SlotEncoder, type Told } from "./slot-layout.ts";

export type SpoolRecord =
  | { readonly kind: "flow"; readonly record: RawFlow }
  | { readonly kind: "loss"; readonly record: Loss }
  | { readonly kind: "heartbeat"; readonly record: Heartbeat }
  | { readonly kind: "dns"; readonly record: RawDns };

// Losses and heartbeats are few: their Avro encoding also carries what it needs to be read by later versions.
const losses = lossCodec();
const heartbeats = heartbeatCodec();
const dns = dnsCodec();

/** Fills one buffer with frames, from its start. */
export class FrameWriter {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #flows: FlowEncoder;
  readonly #slots: SlotEncoder;
  #at = 0;

  constructor(bytes: number) {
    this.#bytes = Buffer.alloc(bytes);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, bytes);
    this.#flows = new FlowEncoder(this.#bytes);
    this.#slots = new SlotEncoder(this.#bytes);
  }

  /** What was written since the last `reset`; valid until the next. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** A frame of any size fits. */
  get hasRoom(): boolean {
    return this.#bytes.length - this.#at > maxFrameBytes + 16;
  }

  reset(): void {
    this.#at = 0;
  }

  flow(flow: RawFlow): void {
    const payload = beginFrame(this.#bytes, this.#at, flow.seq, frameKind.flow);
    this.#end(this.#flows.encode(flow, payload));
  }

  /** The record that a connection in a slot leaves in a window; the span that it covers. Valid until the next. */
  slot(slots: Slots, slot: number, window: Told, seq: number): Told {
    const payload = beginFrame(this.#bytes, this.#at, seq, frameKind.flow);
    this.#end(this.#slots.encode(slots, slot, window, payload));
    return this.#slots;
  }

  /** What was told last of an open connection in a slot. */
  toldSlot(slots: Slots, slot: number, seq: number): void {
    const payload = beginFrame(this.#bytes, this.#at, seq, frameKind.flow);
    this.#end(this.#slots.encodeTold(slots, slot, payload));
  }

  loss(loss: Loss): void {
    this.#encoded(loss.seq, frameKind.loss, losses.encode(loss));
  }

  heartbeat(heartbeat: Heartbeat): void {
    this.#encoded(heartbeat.seq, frameKind.heartbeat, heartbeats.encode(heartbeat));
  }

  dns(record: RawDns): void {
    this.#encoded(record.seq, frameKind.dns, dns.encode({ ...record, ...unenrichedDns }));
  }

  /** Says that the epoch ended in order; `seq` is the number that no record has. */
  orderlyEnd(seq: number): void {
    this.#encoded(seq, frameKind.end, new Uint8Array(0));
  }

  /** Says that a window that ended then, microseconds, was told wholly; `seq` is the number of what comes next. */
  windowTold(seq: number, end: number): void {
    const payload = Buffer.alloc(8);
    payload.writeDoubleLE(end);
    this.#encoded(seq, frameKind.windowTold, payload);
  }

  #encoded(seq: number, kind: number, payload: Uint8Array): void {
    const start = beginFrame(this.#bytes, this.#at, seq, kind);
    this.#bytes.set(payload, start);
    this.#end(start + payload.length);
  }

  #end(end: number): void {
    endFrame(this.#view, this.#at, end);
    this.#at = end;
  }
}

const flows = new FlowDecoder();

/** Where records come from that stand in frames without it. */
export type Origin = Pick<SegmentHeader, "cluster" | "node" | "epoch">;

/** The records in frames that follow each other, as a FrameWriter wrote them. Throws DECODE_FAILED, and nothing else. */
export function batchIn(bytes: Buffer, origin: Origin): Batch {
  const batch: { flows: RawFlow[]; losses: Loss[]; heartbeats: Heartbeat[]; dns: RawDns[] } = {
    dns: [],
    flows: [],
    losses: [],
    heartbeats: [],
  };
  for (let at = 0; at < bytes.length; ) {
    const frame = frameAt(bytes, at, bytes.length);
    if (typeof frame !== "object")
      throw new SluiceError("DECODE_FAILED", `frames: ${frame} at ${at} of ${bytes.length} bytes`);
    const found = recordIn(bytes, frame, origin);
    if (found?.kind === "flow") batch.flows.push(found.record);
    else if (found?.kind === "loss") batch.losses.push(found.record);
    else if (found?.kind === "heartbeat") batch.heartbeats.push(found.record);
    else if (found?.kind === "dns") batch.dns.push(found.record);
    at = frame.end;
  }
  return batch;
}

/** When the window ended that a frame says was told, microseconds; undefined for any other frame. */
export function windowToldIn(bytes: Buffer, { kind, start, end }: Frame): number | undefined {
  return kind === frameKind.windowTold && end - start === 8 ? bytes.readDoubleLE(start) : undefined;
}

/** The record in a frame; undefined for a frame that holds none. Throws DECODE_FAILED, and nothing else. */
export function recordIn(bytes: Buffer, { kind, seq, start, end }: Frame, origin: Origin): SpoolRecord | undefined {
  switch (kind) {
    case frameKind.flow: {
      const { cluster, node, epoch } = origin;
      return { kind: "flow", record: { cluster, node, epoch, seq, ...flows.decode(bytes, start, end) } };
    }
    case frameKind.loss:
      return { kind: "loss", record: losses.decode(bytes.subarray(start, end)) };
    case frameKind.heartbeat:
      return { kind: "heartbeat", record: heartbeats.decode(bytes.subarray(start, end)) };
    case frameKind.dns:
      return { kind: "dns", record: rawDnsOf(dns.decode(bytes.subarray(start, end))) };
    case frameKind.end:
    case frameKind.windowTold:
      return undefined;
  }
  throw new SluiceError("DECODE_FAILED", `spool: a frame of unknown kind ${kind}`);
}

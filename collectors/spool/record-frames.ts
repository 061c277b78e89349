import { SluiceError } from "../../core/errors.ts";
import { dnsCodec, heartbeatCodec, lossCodec } from "../../core/records/codec.ts";
import { type RawDns, rawDnsOf, unenrichedDns } from "../../core/records/dns.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import { FlowDecoder, FlowEncoder } from "./flow-layout.ts";
import { beginFrame, endFrame, type Frame, frameKind, maxFrameBytes } from "./frame.ts";
import type { SegmentHeader } from "./segment-header.ts";

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
  #at = 0;

  constructor(bytes: number) {
    this.#bytes = Buffer.alloc(bytes);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, bytes);
    this.#flows = new FlowEncoder(this.#bytes);
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

  #encoded(seq: number, kind: number, payload: Uint8Array): void {
    const start = beginFrame(this.#bytes, this.#at, seq, kind);
    this.#bytes.set(payload, start);
    this.#end(start + payload.length);
  }

  #end(end: number): void {
    endFrame(this.#bytes, this.#view, this.#at, end);
    this.#at = end;
  }
}

const flows = new FlowDecoder();

/** The record in a frame; undefined for a frame that holds none. Throws DECODE_FAILED, and nothing else. */
export function recordIn(
  bytes: Buffer,
  { kind, seq, start, end }: Frame,
  header: SegmentHeader,
): SpoolRecord | undefined {
  switch (kind) {
    case frameKind.flow: {
      const { cluster, node, epoch } = header;
      return { kind: "flow", record: { cluster, node, epoch, seq, ...flows.decode(bytes, start, end) } };
    }
    case frameKind.loss:
      return { kind: "loss", record: losses.decode(bytes.subarray(start, end)) };
    case frameKind.heartbeat:
      return { kind: "heartbeat", record: heartbeats.decode(bytes.subarray(start, end)) };
    case frameKind.dns:
      return { kind: "dns", record: rawDnsOf(dns.decode(bytes.subarray(start, end))) };
    case frameKind.end:
      return undefined;
  }
  throw new SluiceError("DECODE_FAILED", `spool: a frame of unknown kind ${kind}`);
}

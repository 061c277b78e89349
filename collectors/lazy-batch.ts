import type { RawDns } from "../core/records/dns.ts";
import type { RawFlow } from "../core/records/flow.ts";
import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";
import type { Batch, Framed } from "./spool/batch.ts";
import { batchIn, type Origin } from "./spool/record-frames.ts";

interface Items<T> {
  readonly items: readonly T[];
}

/** Records in frames, decoded once somebody reads one: what waits takes a tenth of the memory until then. */
export class LazyBatch {
  readonly flows: Items<RawFlow>;
  readonly losses: Items<Loss>;
  readonly heartbeats: Items<Heartbeat>;
  readonly dns: Items<RawDns>;
  readonly #origin: Origin;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #released = false;
  #batch: Batch | undefined;

  constructor(framed: Framed, origin: Origin) {
    this.#bytes = framed.bytes;
    this.#origin = origin;
    const decoded = () => this.#decoded;
    this.flows = {
      get items() {
        return decoded().flows;
      },
    };
    this.losses = {
      get items() {
        return decoded().losses;
      },
    };
    this.heartbeats = {
      get items() {
        return decoded().heartbeats;
      },
    };
    this.dns = {
      get items() {
        return decoded().dns ?? [];
      },
    };
  }

  /** The memory that the frames stand in, to be used for others. From now on nothing can be read that was not read before. */
  release(): ArrayBuffer {
    this.#released = true;
    return this.#bytes.buffer;
  }

  get #decoded(): Batch {
    if (this.#batch !== undefined) return this.#batch;
    if (this.#released) throw new Error("a batch was read for the first time after it was acked");
    const { buffer, byteOffset, length } = this.#bytes;
    this.#batch = batchIn(Buffer.from(buffer, byteOffset, length), this.#origin);
    return this.#batch;
  }
}

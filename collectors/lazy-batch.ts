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
  #framed: Framed | undefined;
  #batch: Batch | undefined;

  constructor(framed: Framed, origin: Origin) {
    this.#framed = framed;
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

  get #decoded(): Batch {
    const bytes = this.#framed?.bytes;
    if (bytes !== undefined)
      this.#batch = batchIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), this.#origin);
    this.#framed = undefined;
    return this.#batch as Batch;
  }
}

import type { Sink, Source } from "./pipeline.ts";

/** Bytes with the key that decides their partition. Equal keys keep their order. */
export interface Message {
  readonly key: string;
  readonly value: Uint8Array;
  /** What is to be known without reading the value. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where a received message stands, e.g. `sluice.flows.raw/2@1187`; of a bus that keeps messages. */
  readonly origin?: string;
}

/** Topics between stages. Implementations: bus-memory.ts, bus-kafka/; every one passes test/core/bus.contract.ts. */
export interface Bus {
  /** A sink that resolves when the messages are stored by the bus. */
  publisher(topic: string): Sink<Message>;
  /** Members of one group share the messages of a topic; each group sees all. A nacked batch comes again. */
  subscription(topic: string, group: string): Source<Message>;
  close(): Promise<void>;
}

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

/** One partition of a topic, as long as it falls to this member of a group. */
export interface AssignedPartition {
  readonly number: number;
  /** Another member has it, or the bus closes. */
  readonly lost: AbortSignal;
  /** What stands in it after what was acked, a delivery at a time. May be opened again after it was left. */
  readonly source: Source<Message>;
}

/** Publishes to one partition, until somebody else does in the same name: then it fails, for good. */
export interface FencedPublisher {
  /** Stores all of a batch or nothing. Resolves with the offset of its first message; throws BUS_FAILED. */
  write(messages: readonly Message[]): Promise<bigint>;
  close(): Promise<void>;
}

/** Where a topic's partition begins and ends: the offset of its oldest message, and the one after its newest. */
export interface Extent {
  readonly from: bigint;
  readonly to: bigint;
}

/** A bus that keeps what was published, in partitions, so that it can be read again: Kafka. */
export interface KeptBus extends Bus {
  /** The partitions that fall to this member of the group, each as it does. */
  partitions(topic: string, group: string, signal: AbortSignal): AsyncIterable<AssignedPartition>;
  /** From the first write on, whoever wrote in that name before cannot any more. */
  fenced(topic: string, partition: number, name: string): FencedPublisher;
  /** Reads what is kept, in a group of nobody. */
  reader(topics: readonly string[], name: string): KeptReader;
}

export interface KeptReader {
  /** The partitions of one of its topics; with `since` (ms since the epoch) without what is older. */
  extents(topic: string, since?: number): Promise<ReadonlyMap<number, Extent>>;
  /** The messages of an extent; the last one must exist. Throws BUS_FAILED, also when the signal aborts. */
  read(topic: string, partition: number, extent: Extent, signal: AbortSignal): Promise<readonly Message[]>;
  close(): Promise<void>;
}

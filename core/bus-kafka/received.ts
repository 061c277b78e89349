import type { EachBatchPayload } from "kafkajs";
import type { Message } from "../bus.ts";

type Batch = EachBatchPayload["batch"];

/** What a batch of kafkajs holds, as our messages. */
export function received(batch: Batch): readonly (Message & { readonly offset: bigint })[] {
  return batch.messages.map((message) => ({
    key: message.key?.toString() ?? "",
    value: message.value ?? new Uint8Array(),
    headers: textHeaders(message.headers),
    origin: `${batch.topic}/${batch.partition}@${message.offset}`,
    offset: BigInt(message.offset),
  }));
}

function textHeaders(headers: Batch["messages"][number]["headers"]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
}

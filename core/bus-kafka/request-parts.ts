import type { Message } from "../bus.ts";

/** Key, value, headers, and what Kafka adds to a record at most. */
export function sizeOf({ key, value, headers = {} }: Message): number {
  const extra = Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + 3 * text.length, 0);
  return 64 + 3 * key.length + value.byteLength + extra;
}

/** Messages in as few requests as their sizes allow. */
export function* requestParts(messages: readonly Message[], limit: number): Generator<readonly Message[]> {
  let [from, bytes] = [0, 0];
  for (const [place, message] of messages.entries()) {
    const size = sizeOf(message);
    if (place > from && bytes + size > limit) {
      yield messages.slice(from, place);
      [from, bytes] = [place, 0];
    }
    bytes += size;
  }
  if (from < messages.length) yield messages.slice(from);
}

import type { RawDns } from "../../core/records/dns.ts";
import type { Way } from "./capture.ts";
import type { Answer, Message } from "./message.ts";
import { className, rcodeName, typeName } from "./numbers.ts";

/** A record before it is numbered. */
export type DnsDraft = Omit<RawDns, "cluster" | "node" | "epoch" | "seq">;

/** A message as it was captured. Times in microseconds. */
export interface Captured {
  readonly way: Way;
  readonly message: Message;
  /** When the kernel saw it, or else when it was read. */
  readonly at: number;
  readonly isStamped: boolean;
}

// Resolvers give a server up after 5 s (resolv.conf(5)); an answer after twice that finds nobody.
const waitUs = 10_000_000;

/** Joins answers with their queries. Pure but for what it remembers; times are microseconds. */
export class Exchanges {
  readonly #limit: number;
  /** Queries without an answer, oldest first. */
  readonly #open = new Map<string, Captured>();
  #done: DnsDraft[] = [];
  #beyond = 0;

  /** At most `limit` queries wait for their answers, and as many records to be taken. */
  constructor(limit = 16_384) {
    this.#limit = limit;
  }

  query(captured: Captured): void {
    const key = keyOf(captured.message, captured.way);
    // Sent again it is the same: the client has waited since the first.
    if (this.#open.has(key)) return;
    if (this.#open.size >= this.#limit) this.#giveUp(captured.at, this.#open.size - this.#limit + 1);
    this.#open.set(key, captured);
  }

  /** Whether its query was seen; `needsQuery`: else it is passed over. */
  response(captured: Captured, needsQuery: boolean): boolean {
    const { message, way } = captured;
    const asking = {
      protocol: way.protocol,
      source: way.destination,
      sourcePort: way.destinationPort,
      destination: way.source,
      destinationPort: way.sourcePort,
    };
    const key = keyOf(message, asking);
    const query = this.#open.get(key);
    if (query === undefined && needsQuery) return false;
    this.#open.delete(key);
    this.#tell(draftOf({ asking, message, query, answer: captured }));
    return query !== undefined;
  }

  /** Gives up queries that nobody answers any more. */
  expire(now: number): void {
    let old = 0;
    for (const { at } of this.#open.values()) {
      if (at + waitUs > now) break;
      old++;
    }
    this.#giveUp(now, old);
  }

  /** At the end: nobody will see an answer. */
  expireAll(now: number): void {
    this.#giveUp(now, this.#open.size);
  }

  /** The records since the last call, and how many there was no room for. */
  take(): { readonly drafts: readonly DnsDraft[]; readonly beyond: number } {
    const taken = { drafts: this.#done, beyond: this.#beyond };
    this.#done = [];
    this.#beyond = 0;
    return taken;
  }

  #giveUp(now: number, count: number): void {
    let left = count;
    for (const [key, query] of this.#open) {
      if (left-- <= 0) return;
      this.#open.delete(key);
      this.#tell(draftOf({ asking: query.way, message: query.message, query, end: now }));
    }
  }

  #tell(draft: DnsDraft): void {
    if (this.#done.length >= this.#limit) this.#beyond++;
    else this.#done.push(draft);
  }
}

/** Who asked is `source`. */
function keyOf({ id, question }: Message, way: Way): string {
  const ends = `${way.source} ${way.sourcePort} ${way.destination} ${way.destinationPort}`;
  return `${way.protocol} ${ends} ${id} ${question.type} ${question.class} ${question.name}`;
}

interface Exchange {
  readonly asking: Way;
  readonly message: Message;
  readonly query?: Captured | undefined;
  readonly answer?: Captured;
  /** Of one without an answer. */
  readonly end?: number;
}

function draftOf({ asking, message, query, answer, end = 0 }: Exchange): DnsDraft {
  const { question, truncated, answerCount, answers, rcode } = message;
  const start = query?.at ?? answer?.at ?? end;
  return {
    start,
    end: Math.max(answer?.at ?? end, start),
    protocol: asking.protocol,
    clientAddress: asking.source,
    clientPort: asking.sourcePort,
    serverAddress: asking.destination,
    serverPort: asking.destinationPort,
    name: question.name,
    queryType: typeName(question.type),
    queryClass: className(question.class),
    rcode: answer === undefined ? null : rcodeName(rcode),
    truncated: answer !== undefined && truncated,
    answerCount,
    answers: answers.map(answerOf),
    latency: query?.isStamped && answer?.isStamped ? Math.max(answer.at - query.at, 0) : null,
  };
}

function answerOf({ name, type, ttl, text }: Answer) {
  return { name, type: typeName(type), ttl, data: text };
}

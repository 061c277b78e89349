import type { Address } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { type LossDraft, Losses } from "../losses.ts";
import type { LoggedPacket } from "../nflog/message.ts";
import type { PacketHeaders } from "../nflog/packet.ts";
import { SequenceGaps } from "../sequence-gaps.ts";
import { addressesOf } from "./asked-name.ts";
import { type Piece, piecesOf, type Way } from "./capture.ts";
import { malformed } from "./cursor.ts";
import { type DnsDraft, Exchanges } from "./exchanges.ts";
import { type Message, parseMessage } from "./message.ts";
import { Names } from "./names.ts";
import { prefixes } from "./rules.ts";
import type { DnsListener } from "./sensor.ts";

const tcp = 6;
/** So often what is out of date is forgotten. */
const expireUs = 30_000_000;
/** Connections are told of so long after they began, at most: the longest window. */
const keptUs = 3_600_000_000;

/** What moved, since the start. */
export interface DnsCounters {
  readonly queries: number;
  readonly answers: number;
  readonly malformed: number;
  /** TCP segments that no message begins: the rest of a longer one. */
  readonly otherSegments: number;
  /** Answers by TCP to no query that was seen, which are not believed. */
  readonly unasked: number;
  readonly overruns: number;
  /** Addresses whose name is remembered. */
  readonly names: number;
}

export interface DnsObserverOptions {
  readonly maxNames: number;
  readonly extraTtlMs: number;
  /** Microseconds. */
  readonly now: () => number;
}

type LoggedIp = LoggedPacket & { readonly packet: PacketHeaders };

/** Everything between captured packets and records of DNS: pure but for its own state. Times are microseconds. */
export class DnsObserver implements DnsListener {
  readonly #now: () => number;
  readonly #exchanges = new Exchanges();
  readonly #names: Names;
  readonly #losses = new Losses();
  readonly #gaps = new SequenceGaps();
  readonly #moved = { queries: 0, answers: 0, malformed: 0, otherSegments: 0, unasked: 0, overruns: 0 };
  #readAt: number;
  #expiredAt: number;

  constructor({ maxNames, extraTtlMs, now }: DnsObserverOptions) {
    this.#now = now;
    // An eighth is more than a program asks for, and leaves room for others.
    const limitPerClient = Math.ceil(maxNames / 8);
    this.#names = new Names({ limit: maxNames, limitPerClient, extraUs: extraTtlMs * 1000 });
    this.#readAt = this.#expiredAt = now();
  }

  get counters(): DnsCounters {
    return { ...this.#moved, names: this.#names.size };
  }

  captured(logged: LoggedPacket, packet: Uint8Array): void {
    this.#noteGap(logged.sequence);
    const headers = logged.packet;
    // Our rules copy nothing but IP.
    if (headers === null) {
      this.malformed();
      return;
    }
    const { pieces, isOther } = piecesOf(packet, headers);
    if (isOther) this.#moved.otherSegments++;
    for (const piece of pieces) this.#read(piece, { ...logged, packet: headers });
  }

  malformed(): void {
    this.#moved.malformed++;
    this.#lost(1, "messages that could not be read");
  }

  overran(): void {
    this.#moved.overruns++;
    this.#lost(null, "the socket's buffer overran");
  }

  /** Packets that the rules did not copy. */
  beyond(count: number): void {
    if (count > 0) this.#lost(count, "packets beyond dns.max-per-second");
  }

  /** Everything that is there was read. */
  wasRead(): void {
    this.#readAt = this.#now();
  }

  /** For which name a client has an address, asked for before `at`. */
  nameOf(client: Address, address: Address, at: number): string | null {
    return this.#names.nameOf(client, address, at);
  }

  /** The records since the last call. `isLast`: those that still wait for an answer too. */
  take(isLast = false): readonly DnsDraft[] {
    const now = this.#now();
    if (isLast) this.#exchanges.expireAll(now);
    else this.#exchanges.expire(now);
    if (now - this.#expiredAt >= expireUs || now < this.#expiredAt) {
      this.#expiredAt = now;
      this.#names.expire(now - keptUs);
    }
    const { drafts, beyond } = this.#exchanges.take();
    if (beyond > 0) this.#lost(beyond, "records beyond those kept between two flushes");
    return drafts;
  }

  takeLosses(): readonly LossDraft[] {
    const forgotten = this.#names.takeForgotten();
    if (forgotten > 0) this.#lost(forgotten, "names beyond dns.max-names, forgotten while they were valid");
    return this.#losses.take();
  }

  #read({ bytes, whole }: Piece, logged: LoggedIp): void {
    try {
      this.#take(parseMessage(bytes, whole), logged);
    } catch (thrown) {
      if (!(thrown instanceof SluiceError) || thrown.code !== "DECODE_FAILED") throw thrown;
      // By TCP it may be the rest of a longer message; what UDP carries to port 53 should be DNS.
      if (logged.packet.protocol === tcp) this.#moved.otherSegments++;
      else this.malformed();
    }
  }

  #take(message: Message, { packet, timestamp, prefix }: LoggedIp): void {
    const isAnswer = prefix.startsWith(prefixes.answer);
    // A client that sends answers, or a server that asks: nothing that belongs together.
    if (message.isResponse !== isAnswer) throw malformed("it goes the wrong way");
    const captured = { way: wayOf(packet), message, at: timestamp ?? this.#now(), isStamped: timestamp !== null };
    if (!isAnswer) {
      this.#moved.queries++;
      this.#exchanges.query(captured);
      return;
    }
    this.#moved.answers++;
    const isByTcp = packet.protocol === tcp;
    const wasAsked = this.#exchanges.response(captured, isByTcp);
    if (isByTcp && !wasAsked) this.#moved.unasked++;
    else this.#learn(message, packet.destination, captured.at);
  }

  #learn(message: Message, client: Address, at: number): void {
    const { name } = message.question;
    for (const { address, ttl } of addressesOf(message)) this.#names.learn({ client, address, name, at, ttl });
  }

  #noteGap(sequence: number | null): void {
    const missing = sequence === null ? 0 : this.#gaps.after(sequence);
    if (missing > 0) this.#lost(missing, "copied packets missing by their sequence numbers");
  }

  #lost(count: number | null, detail: string): void {
    const now = this.#now();
    this.#losses.note("dns", count, { start: Math.min(this.#readAt, now), end: now }, detail);
  }
}

function wayOf({ protocol, source, sourcePort, destination, destinationPort }: Way): Way {
  return { protocol, source, sourcePort, destination, destinationPort };
}

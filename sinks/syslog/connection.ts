import type { Clock } from "../../core/clock.ts";
import { Datagrams } from "./datagrams.ts";
import type { SyslogServer } from "./server.ts";
import { Stream, type SyslogTls } from "./stream.ts";

export interface ConnectionOptions {
  readonly server: SyslogServer;
  readonly tls: SyslogTls;
  readonly clock: Clock;
  /** So long a connection over TCP or TLS takes messages, before it is ended to learn whether the server has read them. */
  readonly connectionMs: number;
}

/** Sends messages one batch after the other; makes connections as they are needed. */
export interface SyslogConnection {
  /** Resolves when the server has read them (UDP: when our kernel has sent them). Throws if that is not sure. */
  send(messages: readonly string[], signal: AbortSignal): Promise<void>;
  close(): void;
}

export function syslogConnection(options: ConnectionOptions): SyslogConnection {
  return options.server.transport === "udp" ? new Datagrams(options.server) : new Connections(options);
}

/** Beyond it a connection is ended early: so much may have to be sent again. */
const mostCharacters = 8_388_608;

/** What goes over one connection. */
interface Carrier {
  readonly stream: Stream;
  readonly read: PromiseWithResolvers<void>;
  /** Aborted when nothing more goes over it. */
  readonly over: AbortController;
  characters: number;
}

/**
 * Over TCP or TLS, each message with its length before it (octet counting, RFC 6587 section 3.4.1 and RFC 5425 section 4.3), so that no text can
 * end one. The protocol has no acknowledgement; the end of a connection is the only one there is, so each is soon ended, and the next made.
 */
class Connections implements SyslogConnection {
  readonly #options: ConnectionOptions;
  #carrier: Carrier | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  async send(messages: readonly string[], signal: AbortSignal): Promise<void> {
    const { read } = await this.#inTurn(() => this.#carry(messages, signal));
    await read.promise;
  }

  close(): void {
    this.#carrier?.over.abort();
    this.#carrier?.stream.close();
    this.#carrier?.read.reject(new Error("closed"));
    this.#carrier = undefined;
  }

  async #carry(messages: readonly string[], signal: AbortSignal): Promise<Carrier> {
    this.#carrier ??= await this.#begin(signal);
    const carrier = this.#carrier;
    const text = messages.map((message) => `${Buffer.byteLength(message)} ${message}`).join("");
    carrier.characters += text.length;
    try {
      await carrier.stream.write(text, signal);
    } catch (thrown) {
      this.#lose(carrier, thrown);
      return carrier;
    }
    if (carrier.characters > mostCharacters) await this.#finish(carrier, signal);
    return carrier;
  }

  async #begin(signal: AbortSignal): Promise<Carrier> {
    const { connectionMs, ...options } = this.#options;
    const [read, over] = [Promise.withResolvers<void>(), new AbortController()];
    read.promise.catch(() => {});
    const onLost = (cause: Error) => this.#lose(carrier, cause);
    const carrier: Carrier = { stream: await Stream.open({ ...options, onLost }, signal), read, over, characters: 0 };
    // Who is to stop need not wait.
    void options.clock.sleep(connectionMs, AbortSignal.any([signal, over.signal])).then(() => {
      if (!over.signal.aborted) void this.#inTurn(() => this.#finish(carrier, signal));
    });
    return carrier;
  }

  /** Never fails: who waits for the carrier learns it. */
  async #finish(carrier: Carrier, signal: AbortSignal): Promise<void> {
    if (carrier !== this.#carrier) return;
    this.#carrier = undefined;
    carrier.over.abort();
    try {
      await carrier.stream.finish(signal);
      carrier.read.resolve();
    } catch (thrown) {
      this.#lose(carrier, thrown);
    }
  }

  /** Everything of it is to be sent again. */
  #lose(carrier: Carrier, cause: unknown): void {
    if (carrier === this.#carrier) this.#carrier = undefined;
    carrier.over.abort();
    carrier.stream.close();
    carrier.read.reject(cause);
  }

  /** One batch is under way at a time, so that they arrive in their order. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

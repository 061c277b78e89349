import { connect as connectTcp, isIPv6, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../core/clock.ts";
import { unsentBytes } from "../../core/unsent-bytes.ts";
import type { SyslogServer } from "./server.ts";

/** Texts in PEM. */
export interface SyslogTls {
  /** Of who signed the server's certificate; those that Node.js trusts by default. */
  readonly authorities?: string;
  /** With `key`: ours, for servers that ask for one. */
  readonly certificate?: string;
  readonly key?: string;
}

export interface StreamOptions {
  readonly server: SyslogServer;
  readonly tls: SyslogTls;
  readonly clock: Clock;
  /** Called once, when the connection ends in another way than by `finish` or `close`. */
  readonly onLost: (cause: Error) => void;
}

const connectMs = 10_000;
/** So long a server's kernel may take nothing of what was sent. */
const stuckMs = 30_000;
/** So long a server may take to read what its kernel has of us (a few megabytes), and to end its side. */
const endMs = 300_000;
/** What is left of both once we are to stop (bin/end-grace.ts). */
const stoppingMs = 4_000;

/** A connection over TCP or TLS that says at its end whether the server has read everything. */
export class Stream {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #onLost: (cause: Error) => void;
  #isEnding = false;
  #hasEnded = false;
  #fault: Error | undefined;

  private constructor(socket: Socket, { clock, onLost }: StreamOptions) {
    this.#socket = socket;
    this.#clock = clock;
    this.#onLost = onLost;
    const lost = (cause: Error) => this.#lose(cause);
    // What a server says is read, or its end would not be seen.
    socket.on("end", () => this.#serverEnds()).on("close", () => lost(new Error("the connection was cut")));
    socket.on("error", lost).resume();
    socket.setKeepAlive(true, stuckMs);
  }

  static async open(options: StreamOptions, signal: AbortSignal): Promise<Stream> {
    const { server, tls, clock } = options;
    const socket = server.transport === "tls" ? connectTls(tlsOptions(server, tls)) : connectTcp(server);
    const opened = Promise.withResolvers<void>();
    socket.once(server.transport === "tls" ? "secureConnect" : "connect", () => opened.resolve());
    socket.on("error", (cause) => opened.reject(cause));
    opened.promise.catch(() => {});
    const over = new AbortController();
    const late = clock.sleep(connectMs, AbortSignal.any([signal, over.signal])).then(() => {
      if (!over.signal.aborted)
        throw new Error(signal.aborted ? "stopped" : `no connection within ${connectMs / 1000} s`);
    });
    late.catch(() => {});
    try {
      await Promise.race([opened.promise, late]);
      return new Stream(socket, options);
    } catch (thrown) {
      socket.destroy();
      throw thrown;
    } finally {
      over.abort();
    }
  }

  /** Resolves when the server's kernel has it. */
  async write(text: string, signal: AbortSignal): Promise<void> {
    let isFlushed = false;
    this.#socket.write(text, () => {
      isFlushed = true;
    });
    await this.#acknowledged(() => isFlushed, signal);
  }

  /**
   * Ends our side and waits for the server to end its: resolves when it has read everything. A kernel whose program closes a connection, or is killed, with bytes
   * unread answers by a reset instead (RFC 2525, section 2.17; tcp_close in net/ipv4/tcp.c).
   */
  async finish(signal: AbortSignal): Promise<void> {
    await this.#acknowledged(() => true, signal);
    this.#isEnding = true;
    this.#socket.end();
    const state = () =>
      this.#hasEnded ? "done" : "the server does not end the connection, as it does when it has read all";
    await this.#wait(state, endMs, signal);
    this.close();
  }

  close(): void {
    this.#fault ??= new Error("closed");
    this.#socket.destroy();
  }

  /** A server that ends its side before we did may have left unread what came later. */
  #serverEnds(): void {
    if (this.#isEnding) this.#hasEnded = true;
    else this.#lose(new Error("the server ended the connection"));
  }

  #lose(cause: Error): void {
    if (this.#hasEnded || this.#fault !== undefined) return;
    this.#fault = cause;
    this.#onLost(cause);
    this.#socket.destroy();
  }

  #acknowledged(isFlushed: () => boolean, signal: AbortSignal): Promise<void> {
    const state = () => {
      const left = this.#socket.destroyed ? undefined : unsentBytes(this.#socket);
      if (left === undefined) return "the connection was cut";
      return left === 0 && isFlushed() ? "done" : `${left} bytes are not acknowledged`;
    };
    return this.#wait(state, stuckMs, signal);
  }

  /** Until the state is `done`, as long as it changes now and then. */
  async #wait(state: () => string, mostMs: number, signal: AbortSignal): Promise<void> {
    let [last, since] = ["", this.#clock.monotonic()];
    for (let pause = 1; ; pause = Math.min(2 * pause, 50)) {
      if (this.#fault !== undefined) throw this.#fault;
      const now = state();
      if (now === "done") return;
      if (now !== last) [last, since] = [now, this.#clock.monotonic()];
      if (this.#clock.monotonic() - since > (signal.aborted ? stoppingMs : mostMs)) throw new Error(now);
      await this.#clock.sleep(pause);
    }
  }
}

function tlsOptions({ host, port }: SyslogServer, { authorities, certificate, key }: SyslogTls) {
  return {
    host,
    port,
    ...(isIPv6(host) || /^[\d.]+$/.test(host) ? {} : { servername: host }),
    ...(authorities === undefined ? {} : { ca: [authorities] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  };
}

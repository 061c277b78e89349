import { createSocket, type Socket as Datagrams } from "node:dgram";
import { connect as connectTcp, isIPv6, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
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

export interface ConnectionOptions {
  readonly server: SyslogServer;
  readonly tls: SyslogTls;
  readonly clock: Clock;
}

const connectMs = 10_000;
/** So long a server may take until its kernel has what was sent. */
const acknowledgeMs = 30_000;

/** Sends messages one batch after the other; makes a connection when one is needed. */
export interface SyslogConnection {
  /** Resolves when the server's kernel has acknowledged them (UDP: when ours has sent them). Throws a retriable SINK_FAILED if it did not. */
  send(messages: readonly string[], signal: AbortSignal): Promise<void>;
  close(): void;
}

export function syslogConnection(options: ConnectionOptions): SyslogConnection {
  return options.server.transport === "udp" ? new DatagramConnection(options.server) : new StreamConnection(options);
}

/**
 * Over TCP or TLS, each message with its length before it (octet counting, RFC 6587 section 3.4.1 and RFC 5425 section 4.3), so that no text can
 * end one. The protocol has no acknowledgement; that of TCP is the most there is to wait for.
 */
class StreamConnection implements SyslogConnection {
  readonly #options: ConnectionOptions;
  #socket: Socket | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  async send(messages: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      this.#socket ??= await this.#connect(signal);
      const socket = this.#socket;
      await written(socket, messages.map((text) => `${Buffer.byteLength(text)} ${text}`).join(""));
      await this.#acknowledged(socket, signal);
    } catch (thrown) {
      this.close();
      throw failed(this.#options.server, thrown);
    }
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #connect(signal: AbortSignal): Promise<Socket> {
    const { server, tls, clock } = this.#options;
    const socket = server.transport === "tls" ? connectTls(tlsOptions(server, tls)) : connectTcp(server);
    const gone = () => {
      if (this.#socket === socket) this.#socket = undefined;
    };
    // A server that ends its side takes no more, but has yet to read what was sent: no hurry then, a reset would throw that away. What it says is
    // read, or its end would not be seen.
    socket.on("end", gone).on("close", gone).resume();
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
      return socket;
    } catch (thrown) {
      socket.destroy();
      throw thrown;
    } finally {
      over.abort();
    }
  }

  async #acknowledged(socket: Socket, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + acknowledgeMs;
    for (let pause = 1; ; pause = Math.min(2 * pause, 50)) {
      const left = socket.destroyed ? undefined : unsentBytes(socket);
      if (left === 0) return;
      if (left === undefined) throw new Error("the connection ended before all was acknowledged");
      if (signal.aborted || clock.monotonic() > end) throw new Error(`${left} bytes were not acknowledged`);
      await clock.sleep(pause, signal);
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

function written(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** A datagram a message (RFC 5426). Whether any arrives nobody knows. */
class DatagramConnection implements SyslogConnection {
  readonly #server: SyslogServer;
  #socket: Datagrams | undefined;

  constructor(server: SyslogServer) {
    this.#server = server;
  }

  async send(messages: readonly string[]): Promise<void> {
    const { host, port } = this.#server;
    this.#socket ??= createSocket(isIPv6(host) ? "udp6" : "udp4").on("error", () => this.close());
    const socket = this.#socket;
    try {
      for (const message of messages)
        await new Promise<void>((resolve, reject) => {
          socket.send(message, port, host, (error) => (error ? reject(error) : resolve()));
        });
    } catch (thrown) {
      this.close();
      throw failed(this.#server, thrown);
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}

function failed({ transport, host, port }: SyslogServer, cause: unknown): SluiceError {
  const message = `syslog server ${transport}://${host}:${port}: ${messageOf(cause)}`;
  return new SluiceError("SINK_FAILED", message, { cause, retriable: true, context: { host, port } });
}

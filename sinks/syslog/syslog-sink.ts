import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Sink } from "../../core/pipeline.ts";
import { type ConnectionOptions, type SyslogConnection, syslogConnection } from "./connection.ts";
import type { Facility } from "./message.ts";
import { messageWriter, type SyslogRecords } from "./record-message.ts";
import type { SyslogServer } from "./server.ts";

export interface SyslogSinkOptions extends ConnectionOptions {
  readonly facility: Facility;
}

/**
 * Records as syslog messages. Writing resolves when the server has read them, and fails so that the batch is to be written again if that is not
 * sure: then a server may see some of it twice, by the ids in it. What a server loses after it has read it, no client of syslog can tell.
 * Batches may, and should, be written while others are under way: they share a connection.
 */
export class SyslogSink {
  readonly #connection: SyslogConnection;
  readonly #server: SyslogServer;
  readonly #facility: Facility;

  constructor(options: SyslogSinkOptions) {
    this.#connection = syslogConnection(options);
    this.#server = options.server;
    this.#facility = options.facility;
  }

  of<K extends keyof SyslogRecords>(kind: K): Sink<SyslogRecords[K]> {
    const text = messageWriter(kind, this.#facility);
    return {
      name: `syslog ${kind}`,
      write: (batch, signal) => this.#send(batch.map(text), signal),
    };
  }

  close(): void {
    this.#connection.close();
  }

  async #send(messages: readonly string[], signal: AbortSignal): Promise<void> {
    if (messages.length === 0) return;
    try {
      await this.#connection.send(messages, signal);
    } catch (thrown) {
      throw failed(this.#server, thrown);
    }
  }
}

function failed({ transport, host, port }: SyslogServer, cause: unknown): SluiceError {
  const message = `syslog server ${transport}://${host}:${port}: ${messageOf(cause)}`;
  return new SluiceError("SINK_FAILED", message, { cause, retriable: true, context: { host, port } });
}

import type { Sink } from "../../core/pipeline.ts";
import { type ConnectionOptions, type SyslogConnection, syslogConnection } from "./connection.ts";
import type { Facility } from "./message.ts";
import { messageWriter, type SyslogRecords } from "./record-message.ts";

export interface SyslogSinkOptions extends ConnectionOptions {
  readonly facility: Facility;
}

/**
 * Records as syslog messages over one connection. Writing resolves when the server's kernel has them, and fails so that the batch is to be
 * written again if that is not known: then a server may see some of it twice, by the ids in it. What a server has in its kernel
 * when it is killed is lost, and no client of syslog can tell.
 */
export class SyslogSink {
  readonly #connection: SyslogConnection;
  readonly #facility: Facility;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SyslogSinkOptions) {
    this.#connection = syslogConnection(options);
    this.#facility = options.facility;
  }

  of<K extends keyof SyslogRecords>(kind: K): Sink<SyslogRecords[K]> {
    const text = messageWriter(kind, this.#facility);
    return {
      name: `syslog ${kind}`,
      write: (batch, signal) => this.#inTurn(() => this.#send(batch.map(text), signal)),
    };
  }

  close(): void {
    this.#connection.close();
  }

  async #send(messages: readonly string[], signal: AbortSignal): Promise<void> {
    if (messages.length > 0) await this.#connection.send(messages, signal);
  }

  /** One batch is under way at a time, so that what failed is known. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

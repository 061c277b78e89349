import { connect, type Socket } from "node:net";
import type { Probe, ProbeResult } from "./messages.ts";
import { codeOf, payloadOf } from "./payload.ts";
import { sourceOf } from "./source.ts";

/** One TCP connection that is used again and again, and made anew after it broke. */
export class Stream {
  readonly #probe: Probe;
  #socket: Socket | undefined;

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** Sends the payload once more and waits for its echo. */
  async exchange(expired: AbortSignal): Promise<ProbeResult> {
    this.#socket ??= this.#open();
    const result = await exchange(this.#socket, payloadOf(this.#probe.payloadBytes ?? 32), expired);
    if (!result.answered) this.close();
    return result;
  }

  close(): void {
    this.#socket?.end();
    this.#socket?.destroySoon();
    this.#socket = undefined;
  }

  #open(): Socket {
    const { address, port = 0 } = this.#probe;
    const socket = connect({ host: address, port, noDelay: true, ...sourceOf(this.#probe) });
    // Between exchanges nobody else listens, and an error that nobody hears would end the agent.
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    return socket;
  }
}

function exchange(socket: Socket, payload: Buffer, expired: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    let connected = !socket.connecting;
    let receivedBytes = 0;
    const finish = (error: string | null) => {
      expired.removeEventListener("abort", expire);
      socket.off("connect", rise).off("data", take).off("error", fail).off("close", close);
      const sentBytes = connected ? payload.length : 0;
      const sourcePort = socket.localPort ?? null;
      resolve({ answered: error === null, connected, error, sentBytes, receivedBytes, sourcePort });
    };
    const rise = () => {
      connected = true;
    };
    const take = (chunk: Buffer) => {
      receivedBytes += chunk.length;
      if (receivedBytes >= payload.length) finish(null);
    };
    const fail = (cause: Error) => finish(codeOf(cause));
    const close = () => finish("closed");
    const expire = () => finish("timeout");
    expired.addEventListener("abort", expire, { once: true });
    socket.on("connect", rise).on("data", take).on("error", fail).on("close", close);
    socket.write(payload);
  });
}

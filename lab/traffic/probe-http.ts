import { request } from "node:http";
import type { Probe, ProbeResult } from "./messages.ts";
import { codeOf, payloadOf } from "./payload.ts";
import { sourceOf } from "./source.ts";

/** One POST over a connection of its own; the answer's body is the request's, or as long as asked for. */
export function probeHttp(probe: Probe, expired: AbortSignal): Promise<ProbeResult> {
  const body = payloadOf(probe.payloadBytes ?? 32);
  const expected = probe.replyBytes ?? body.length;
  return new Promise((resolve) => {
    let [connected, received] = [false, 0];
    let error: string | null = null;
    let sourcePort: number | null = null;
    const call = request({
      host: probe.address,
      port: probe.port ?? 80,
      method: "POST",
      path: probe.replyBytes === undefined ? "/echo" : `/bytes/${probe.replyBytes}`,
      agent: false,
      headers: { "content-length": body.length, connection: "close" },
      ...sourceOf(probe),
    });
    const expire = () => {
      error ??= "timeout";
      call.destroy();
    };
    expired.addEventListener("abort", expire, { once: true });
    call.on("socket", (socket) =>
      socket.once("connect", () => {
        connected = true;
        sourcePort = socket.localPort ?? null;
      }),
    );
    call.on("response", (response) =>
      response.on("data", (chunk: Buffer) => {
        received += chunk.length;
      }),
    );
    call.on("error", (cause) => {
      error ??= codeOf(cause);
    });
    call.on("close", () => {
      expired.removeEventListener("abort", expire);
      const answered = connected && received >= expected && error === null;
      const sentBytes = connected ? body.length : 0;
      resolve({
        answered,
        connected,
        error: answered ? null : (error ?? "closed"),
        sentBytes,
        receivedBytes: received,
        sourcePort,
      });
    });
    call.end(body);
  });
}

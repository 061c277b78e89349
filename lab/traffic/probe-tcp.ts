import { connect } from "node:net";
import type { Probe, ProbeResult } from "./messages.ts";
import { askFor, codeOf, payloadOf } from "./payload.ts";
import { sourceOf } from "./source.ts";

/** Connects, sends the payload, waits for the echo (or the answer asked for), closes. */
export function probeTcp(probe: Probe, expired: AbortSignal): Promise<ProbeResult> {
  const request = requestOf(probe);
  const expected = probe.replyBytes ?? request.length;
  return new Promise((resolve) => {
    let [connected, received] = [false, 0];
    let error: string | null = null;
    let sourcePort: number | null = null;
    const socket = connect({ host: probe.address, port: probe.port ?? 0, ...sourceOf(probe) });
    const expire = () => {
      error ??= "timeout";
      socket.destroy();
    };
    expired.addEventListener("abort", expire, { once: true });
    socket.on("connect", () => {
      connected = true;
      sourcePort = socket.localPort ?? null;
      if (expected === 0) socket.end(request);
      else socket.write(request);
    });
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (received >= expected) socket.end();
    });
    socket.on("error", (cause) => {
      error ??= codeOf(cause);
    });
    socket.on("close", () => {
      expired.removeEventListener("abort", expire);
      const answered = connected && received >= expected;
      resolve({
        answered,
        connected,
        error: answered ? null : (error ?? "closed"),
        sentBytes: connected ? request.length : 0,
        receivedBytes: received,
        sourcePort,
      });
    });
  });
}

/** The question counts as part of the payload. */
function requestOf({ payloadBytes = 32, replyBytes }: Probe): Buffer {
  if (replyBytes === undefined) return payloadOf(payloadBytes);
  const question = Buffer.from(askFor(replyBytes));
  return Buffer.concat([question, payloadOf(Math.max(0, payloadBytes - question.length))]);
}

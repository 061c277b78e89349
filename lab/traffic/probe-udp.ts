import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { queryFor } from "./dns.ts";
import type { Probe, ProbeResult } from "./messages.ts";
import { codeOf, payloadOf } from "./payload.ts";

/** Sends one datagram, or asks for a name, and waits for what comes back. The socket is connected, so that it hears of ICMP errors. */
export function probeUdp(probe: Probe, expired: AbortSignal): Promise<ProbeResult> {
  const payload = payloadFor(probe);
  return new Promise((resolve) => {
    const socket = createSocket(probe.address.includes(":") ? "udp6" : "udp4");
    let sourcePort: number | null = null;
    let sentBytes = 0;
    const finish = (error: string | null, receivedBytes: number) => {
      expired.removeEventListener("abort", expire);
      socket.close();
      resolve({ answered: error === null, connected: error === null, error, sentBytes, receivedBytes, sourcePort });
    };
    const expire = () => finish("timeout", 0);
    expired.addEventListener("abort", expire, { once: true });
    socket.once("error", (cause) => finish(codeOf(cause), 0));
    socket.once("message", (message) => finish(null, message.length));
    socket.once("connect", () => {
      sourcePort = socket.address().port;
      socket.send(payload, (cause) => {
        if (cause === null) sentBytes = payload.length;
        else finish(codeOf(cause), 0);
      });
    });
    socket.bind(
      { port: probe.sourcePort ?? 0, ...(probe.sourceAddress === undefined ? {} : { address: probe.sourceAddress }) },
      () => socket.connect(probe.port ?? 0, probe.address),
    );
  });
}

function payloadFor({ asks, address, payloadBytes = 32 }: Probe): Buffer {
  if (asks === undefined) return payloadOf(payloadBytes);
  return queryFor(asks, address.includes(":") ? 6 : 4, randomInt(0x1_0000));
}

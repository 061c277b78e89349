import { createSocket, type Socket } from "node:dgram";
import { messageOf } from "../../core/errors.ts";
import type { Probe, ProbeResult } from "./messages.ts";
import { codeOf, payloadOf } from "./payload.ts";

/**
 * Sends one echo request and waits for the reply, through the kernel's ICMP datagram sockets (icmp(7)): the kernel sets the
 * id and hands over only our own replies. Node knows no such socket, but takes one that is open already for a UDP one.
 *   echo => type u8, code u8, checksum u16be, id u16be, sequence u16be, payload
 */
export async function probeIcmp(probe: Probe, expired: AbortSignal): Promise<ProbeResult> {
  try {
    const socket = await openSocket(probe);
    return await echo(socket, probe, expired);
  } catch (thrown) {
    return { ...nothing, error: messageOf(thrown) };
  }
}

const nothing: ProbeResult = {
  answered: false,
  connected: false,
  error: null,
  sentBytes: 0,
  receivedBytes: 0,
  sourcePort: null,
};

const header = 8;

function echo(socket: Socket, probe: Probe, expired: AbortSignal): Promise<ProbeResult> {
  const payload = payloadOf(probe.payloadBytes ?? 32);
  const type = probe.address.includes(":") ? 128 : 8;
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 1]), payload]);
  return new Promise((resolve) => {
    let sentBytes = 0;
    const finish = (error: string | null, receivedBytes: number) => {
      expired.removeEventListener("abort", expire);
      socket.close();
      resolve({ ...nothing, answered: error === null, connected: error === null, error, sentBytes, receivedBytes });
    };
    const expire = () => finish("timeout", 0);
    expired.addEventListener("abort", expire, { once: true });
    socket.once("error", (cause) => finish(codeOf(cause), 0));
    socket.once("message", (reply) => finish(null, reply.length - header));
    // ICMP has no ports; the kernel ignores this one, Node insists on it.
    socket.send(message, 1, probe.address, (cause) => {
      if (cause === null) sentBytes = payload.length;
      else finish(codeOf(cause), 0);
    });
  });
}

/** koffi is loaded only by agents that ping: it takes longer than the rest of the agent. */
async function openSocket(probe: Probe): Promise<Socket> {
  const { openIcmpSocket } = await import("./icmp-socket.ts");
  const fd = openIcmpSocket(probe.address, probe.sourceAddress);
  return new Promise((resolve, reject) => {
    const socket = createSocket(probe.address.includes(":") ? "udp6" : "udp4");
    socket.once("error", reject);
    socket.bind({ fd }, () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

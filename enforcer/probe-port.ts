import { writeFileSync } from "node:fs";
import koffi from "koffi";
import type { Address } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import { checked, close, errorName, sendto, socket } from "../core/netlink/libc.ts";
import { messageFlag } from "../core/netlink/message.ts";
import { MessageWriter } from "../core/netlink/message-writer.ts";
import { NetlinkSocket } from "../core/netlink/socket.ts";
import { Tun } from "../core/netlink/tun.ts";
import { probeInterface, probeNetwork } from "../core/probe.ts";
import { type Datagram, decodeDatagram, encodeDatagram, lastFour } from "./probe-packets.ts";

// RTM_NEWLINK  => family pad type index flags change                          ifinfomsg, include/uapi/linux/rtnetlink.h
// RTM_NEWROUTE => family dst_len src_len tos table protocol scope type flags  rtmsg; RTA_DST, RTA_OIF u32
const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const RTM_NEWROUTE = 24;
const IFF_UP = 1;
const [AF_INET, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_LINK, RTN_UNICAST] = [2, 254, 4, 253, 1];
const [RTA_DST, RTA_OIF] = [1, 4];
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;

const libc = koffi.load(null);
const if_nametoindex = libc.func("uint32 if_nametoindex(const char *name)");
const recv = libc.func("int64 recv(int fd, void *data, size_t length, int flags)");

/**
 * What a thread needs to send probes through its network namespace and see what becomes of them: an interface that is a file of this
 * process, so it is gone with the process, has no address, and nobody else is behind it; and a socket as any process has one.
 */
export class ProbePort {
  readonly #tun: Tun;
  #socket: number;
  readonly #received = Buffer.alloc(2048);

  private constructor(tun: Tun, socket: number) {
    this.#tun = tun;
    this.#socket = socket;
  }

  static open(): ProbePort {
    const tun = Tun.open(probeInterface);
    try {
      configure();
      return new ProbePort(tun, openSocket());
    } catch (thrown) {
      tun.close();
      throw thrown;
    }
  }

  /** Begins a probe: what an earlier one left is forgotten, and its connections are not gone on with. */
  begin(): void {
    close(this.#socket);
    this.#socket = openSocket();
    this.sentOut();
  }

  /** Lets a packet come in by the interface, as from another machine. */
  inject(datagram: Datagram): void {
    this.#tun.write(encodeDatagram(datagram));
  }

  /** What the kernel sent out by the interface since the last call. */
  sentOut(): readonly Datagram[] {
    const found: Datagram[] = [];
    for (let packet = this.#tun.read(); packet !== undefined; packet = this.#tun.read()) {
      const datagram = decodeDatagram(packet);
      if (datagram !== undefined) found.push(datagram);
    }
    return found;
  }

  /** Sends as a process of the node; the error's name if it may not. */
  send(to: Address, port: number, payload: Uint8Array): string | null {
    const sent = sendto(this.#socket, payload, payload.length, 0, socketAddress(to, port), 16);
    return Number(sent) < 0 ? errorName() : null;
  }

  /** What the node's process received since the last call. */
  received(): readonly Uint8Array[] {
    const found: Uint8Array[] = [];
    for (;;) {
      const length = Number(recv(this.#socket, this.#received, this.#received.length, 0));
      // EAGAIN: nothing is there; ECONNREFUSED and the like tell of earlier packets and are no loss.
      if (length < 0) return found;
      found.push(Uint8Array.prototype.slice.call(this.#received, 0, length));
    }
  }

  close(): void {
    close(this.#socket);
    this.#tun.close();
  }
}

function openSocket(): number {
  return checked("socket AF_INET", socket(AF_INET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0) as number);
}

function configure(): void {
  const index = if_nametoindex(probeInterface) as number;
  if (index === 0) throw new SluiceError("NETLINK_FAILED", `there is no interface ${probeInterface}: ${errorName()}`);
  // It speaks IPv4 only, and forwards as the node's other interfaces should; where /proc/sys is read-only, as the node's defaults say.
  setSysctl("ipv6", "disable_ipv6", 1);
  setSysctl("ipv4", "forwarding", 1);
  setSysctl("ipv4", "send_redirects", 0);
  const route = NetlinkSocket.open(NETLINK_ROUTE);
  try {
    route.request(`set ${probeInterface} up`, linkUp(index));
    route.request(`route ${probeNetwork.text} to ${probeInterface}`, routeTo(index));
  } finally {
    route.close();
  }
}

/** Of this thread's namespace, as /proc/sys/net is seen by whoever opens it. */
function setSysctl(family: "ipv4" | "ipv6", name: string, value: number): void {
  try {
    writeFileSync(`/proc/sys/net/${family}/conf/${probeInterface}/${name}`, `${value}\n`);
  } catch {
    // The probe itself then tells what is the matter.
  }
}

function linkUp(index: number): MessageWriter {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(IFF_UP, 8);
  header.writeUInt32LE(IFF_UP, 12);
  return new MessageWriter(RTM_NEWLINK, messageFlag.request | messageFlag.ack).raw(header);
}

function routeTo(index: number): MessageWriter {
  const header = Buffer.alloc(12);
  header.set([AF_INET, probeNetwork.bits, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_LINK, RTN_UNICAST]);
  const flags = messageFlag.request | messageFlag.ack | messageFlag.create | messageFlag.replace;
  const base = Buffer.alloc(4);
  base.writeUInt32BE(Number(probeNetwork.base));
  return new MessageWriter(RTM_NEWROUTE, flags).raw(header).value(RTA_DST, base).u32(RTA_OIF, index);
}

/** sockaddr_in => family:u16 port:u16be address:4 zeros:8 (ip(7)) */
function socketAddress(address: Address, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(lastFour(address), 4);
  return bytes;
}

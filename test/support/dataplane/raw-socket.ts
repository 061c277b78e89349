import { type Address, type Family, familyOf } from "../../../core/address.ts";
import { checked, close, errorName, sendto, setsockopt, socket } from "../../../core/netlink/libc.ts";
import { addressBytes } from "./packet-bytes.ts";

// raw(7): what is sent over IPPROTO_RAW brings its own IP header.
const AF = { 4: 2, 6: 10 } as const;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const IPPROTO_RAW = 255;
const SOL_SOCKET = 1;
const SO_BROADCAST = 6;
const SO_MARK = 36;

/** Sends packets as a process of the node does whose namespace the calling thread was in when it was opened. */
export class RawSocket {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** `mark` is the mark of all that it sends. */
  static open(family: Family, mark: number): RawSocket {
    const fd = checked("socket SOCK_RAW", socket(AF[family], SOCK_RAW_CLOEXEC, IPPROTO_RAW) as number);
    const opened = new RawSocket(fd);
    opened.#set(SO_MARK, mark);
    opened.#set(SO_BROADCAST, 1);
    return opened;
  }

  send(packet: Uint8Array, destination: Address): void {
    const to = socketAddress(destination);
    const sent = Number(sendto(this.#fd, packet, packet.length, 0, to, to.length));
    // What a rule of the node drops, netfilter refuses so (net/ipv4/raw.c, raw_send_hdrinc).
    if (sent >= 0 || errorName() !== "EPERM") checked(`sendto ${destination}`, sent);
  }

  close(): void {
    close(this.#fd);
  }

  #set(name: number, value: number): void {
    const bytes = Buffer.from(Int32Array.of(value).buffer);
    checked(`setsockopt ${name}`, setsockopt(this.#fd, SOL_SOCKET, name, bytes, 4) as number);
  }
}

// sockaddr_in  => family port address:4 bytes zero:8 bytes        family in the machine's order, port 0
// sockaddr_in6 => family port flow:u32 address:16 bytes scope:u32
function socketAddress(address: Address): Buffer {
  const family = familyOf(address);
  const bytes = Buffer.alloc(family === 4 ? 16 : 28);
  bytes.writeUInt16LE(AF[family], 0);
  bytes.set(addressBytes(address), family === 4 ? 4 : 8);
  return bytes;
}

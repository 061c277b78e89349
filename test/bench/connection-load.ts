// Opens connections at a rate, with packets of its own making. To be started in a network namespace:
//   node test/bench/connection-load.ts tcp|udp PER_SECOND COUNT [DENIED_IN_100 [FIRST]]
// tcp: each is reset at once, so that the kernel tells of a NEW and a DESTROY, and nothing lives on. udp: one datagram each, and they
// live on until they time out.
// FIRST: the number of the first connection; those of other numbers have other ports.
// Prints as JSON how many it opened, how many of them to the port that is denied, and how many seconds that took.
//
// A reset that comes before any answer makes the kernel forget a connection at once (net/netfilter/nf_conntrack_proto_tcp.c,
// nf_conntrack_tcp_packet); checksums are not looked at on the way out.

import koffi from "koffi";
import { systemClock } from "../../core/clock.ts";
import { checked, errorName, socket } from "../../core/netlink/libc.ts";

// raw(7), sendmmsg(2); struct mmsghdr and iovec as in core/netlink/receive-buffer.ts
const [AF_INET, SOCK_RAW, IPPROTO_RAW] = [2, 3, 255];
const [mmsghdrBytes, iovecBytes, nameBytes] = [64, 16, 16];
const at = { name: 0, nameLength: 8, iov: 16, iovLength: 24 };
const sendmmsg = koffi.load(null).func("int sendmmsg(int fd, void *vector, uint32 length, int flags)");

// RFC 791, 3.1 without options, and RFC 9293, 3.1 without options.
const [ipBytes, packetBytes] = [20, 40];
const offset = { source: 12, destination: 16, sourcePort: 20, destinationPort: 22, flags: 33 };
const flags = { syn: 0x02, rst: 0x04 };
const protocols = { tcp: 6, udp: 17 } as const;
type Protocol = keyof typeof protocols;

const perCall = 32;
const loadAddresses = { source: 0x0a62_0001, destination: 0x0a62_0100 };
const deniedPort = 9;
const [firstPort, portCount] = [1024, 60_000];

function packet(protocol: Protocol): Buffer {
  const bytes = Buffer.alloc(packetBytes);
  bytes.writeUInt8(0x45, 0);
  bytes.writeUInt16BE(packetBytes, 2);
  bytes.writeUInt8(64, 8);
  bytes.writeUInt8(protocols[protocol], 9);
  bytes.writeUInt32BE(loadAddresses.source, offset.source);
  bytes.writeUInt32BE(loadAddresses.destination, offset.destination);
  if (protocol === "udp") bytes.writeUInt16BE(packetBytes - ipBytes, ipBytes + 4);
  else {
    bytes.writeUInt8(0x50, ipBytes + 12);
    bytes.writeUInt16BE(1024, ipBytes + 14);
  }
  return bytes;
}

/** Packets that open connections and, of TCP, reset them: sent in one call. */
class Openings {
  readonly #fd = checked("socket", socket(AF_INET, SOCK_RAW, IPPROTO_RAW) as number);
  readonly #flags: readonly number[];
  readonly #packets: Buffer;
  readonly #name = Buffer.alloc(nameBytes);
  readonly #headers: Buffer;
  readonly #vectors: Buffer;

  constructor(protocol: Protocol) {
    this.#flags = protocol === "tcp" ? [flags.syn, flags.rst] : [0];
    const count = perCall * this.#flags.length;
    this.#packets = Buffer.concat(Array.from({ length: count }, () => packet(protocol)));
    this.#headers = Buffer.alloc(count * mmsghdrBytes);
    this.#vectors = Buffer.alloc(count * iovecBytes);
    this.#name.writeUInt16LE(AF_INET, 0);
    this.#name.writeUInt32BE(loadAddresses.destination, 4);
    for (let slot = 0; slot < count; slot++) this.#place(slot);
  }

  /** Connections `first` to `first + count - 1`; of each hundred the first `denied` to the denied port. */
  send(first: number, count: number, denied: number): void {
    for (let n = 0; n < count; n++) {
      const connection = first + n;
      const port = connection % 100 < denied ? deniedPort : 1000 + (Math.floor(connection / portCount) % 20_000);
      for (const [which, flag] of this.#flags.entries()) {
        const start = (this.#flags.length * n + which) * packetBytes;
        this.#packets.writeUInt16BE(firstPort + (connection % portCount), start + offset.sourcePort);
        this.#packets.writeUInt16BE(port, start + offset.destinationPort);
        if (flag !== 0) this.#packets.writeUInt8(flag, start + offset.flags);
      }
    }
    // Those that are denied by themselves: of a packet that a rule drops the call says so only if it is the first.
    for (let n = 0; n < count; ) {
      const isDenied = (first + n) % 100 < denied;
      const next = isDenied ? n + 1 : Math.min(count, n + 100 - ((first + n) % 100));
      this.#packetsOf(n, next, isDenied);
      n = next;
    }
  }

  /** Sends the packets of the connections in these places. */
  #packetsOf(from: number, to: number, isDenied: boolean): void {
    const end = this.#flags.length * to;
    for (let at = this.#flags.length * from; at < end; )
      at += isDenied ? this.#denied(at) : checked("sendmmsg", this.#call(at, end - at));
  }

  /** A packet that a rule drops, which is what it is sent for (net/ipv4/raw.c). */
  #denied(at: number): 1 {
    if (this.#call(at, 1) >= 0 || errorName() !== "EPERM") throw new Error("a packet was not denied");
    return 1;
  }

  #call(from: number, count: number): number {
    return sendmmsg(this.#fd, this.#headers.subarray(from * mmsghdrBytes), count, 0) as number;
  }

  #place(slot: number): void {
    this.#vectors.writeBigUInt64LE(koffi.address(this.#packets) + BigInt(slot * packetBytes), slot * iovecBytes);
    this.#vectors.writeBigUInt64LE(BigInt(packetBytes), slot * iovecBytes + 8);
    const header = slot * mmsghdrBytes;
    this.#headers.writeBigUInt64LE(koffi.address(this.#name), header + at.name);
    this.#headers.writeUInt32LE(nameBytes, header + at.nameLength);
    this.#headers.writeBigUInt64LE(koffi.address(this.#vectors) + BigInt(slot * iovecBytes), header + at.iov);
    this.#headers.writeBigUInt64LE(1n, header + at.iovLength);
  }
}

function main([protocol = "", ...numbers]: readonly string[]): void {
  const [rate = 0, total = 0, denied = 0, first = 0] = numbers.map(Number);
  const openings = new Openings(protocol as Protocol);
  const still = new Int32Array(new SharedArrayBuffer(4));
  const started = systemClock.monotonic();
  for (let done = 0; done < total; ) {
    const due = Math.min(total, Math.floor(((systemClock.monotonic() - started) * rate) / 1000));
    if (due <= done) Atomics.wait(still, 0, 0, 1);
    for (; done < due; ) {
      const count = Math.min(perCall, due - done);
      openings.send(first + done, count, denied);
      done += count;
    }
  }
  const seconds = (systemClock.monotonic() - started) / 1000;
  const deniedBelow = (number: number) => Math.floor(number / 100) * denied + Math.min(number % 100, denied);
  const deniedCount = deniedBelow(first + total) - deniedBelow(first);
  console.log(JSON.stringify({ opened: total, denied: deniedCount, seconds }));
}

main(process.argv.slice(2));

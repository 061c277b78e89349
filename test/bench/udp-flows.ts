// Sends UDP packets from as many source ports as fast as it can, and prints how long each thousand took, in milliseconds, as JSON.
// To be started in a network namespace: node test/bench/udp-flows.ts SOURCE DESTINATION PORT THOUSANDS

import koffi from "koffi";
import { addressToBytes, parseAddress } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import { checked, socket } from "../../core/netlink/libc.ts";

// raw(7), sendmmsg(2); struct mmsghdr and iovec as in core/netlink/receive-buffer.ts
const [AF_INET, SOCK_RAW, IPPROTO_RAW] = [2, 3, 255];
const [mmsghdrBytes, iovecBytes, nameBytes] = [64, 16, 16];
const at = { name: 0, nameLength: 8, iov: 16, iovLength: 24 };
const sendmmsg = koffi.load(null).func("int sendmmsg(int fd, void *vector, uint32 length, int flags)");

// A packet: RFC 791, 3.1 without options, and RFC 768 without a checksum. The kernel fills in the IP checksum (raw(7)).
const [ipBytes, packetBytes] = [20, 32];
const sourcePortAt = ipBytes;
const perCall = 50;
const thousand = 1000;
const firstPort = 1024;

function packet(source: string, destination: string, port: number): Buffer {
  const bytes = Buffer.alloc(packetBytes);
  bytes.writeUInt8(0x45, 0);
  bytes.writeUInt16BE(packetBytes, 2);
  bytes.writeUInt8(64, 8);
  bytes.writeUInt8(17, 9);
  bytes.set(addressToBytes(parseAddress(source)).subarray(12), 12);
  bytes.set(addressToBytes(parseAddress(destination)).subarray(12), 16);
  bytes.writeUInt16BE(port, ipBytes + 2);
  bytes.writeUInt16BE(packetBytes - ipBytes, ipBytes + 4);
  return bytes;
}

function main([source = "", destination = "", port = "", thousands = ""]: readonly string[]): void {
  const fd = checked("socket", socket(AF_INET, SOCK_RAW, IPPROTO_RAW) as number);
  const packets = Buffer.concat(Array.from({ length: perCall }, () => packet(source, destination, Number(port))));
  const name = Buffer.alloc(nameBytes);
  name.writeUInt16LE(AF_INET, 0);
  name.set(addressToBytes(parseAddress(destination)).subarray(12), 4);
  const [headers, vectors] = [Buffer.alloc(perCall * mmsghdrBytes), Buffer.alloc(perCall * iovecBytes)];
  for (let slot = 0; slot < perCall; slot++) {
    vectors.writeBigUInt64LE(koffi.address(packets) + BigInt(slot * packetBytes), slot * iovecBytes);
    vectors.writeBigUInt64LE(BigInt(packetBytes), slot * iovecBytes + 8);
    headers.writeBigUInt64LE(koffi.address(name), slot * mmsghdrBytes + at.name);
    headers.writeUInt32LE(nameBytes, slot * mmsghdrBytes + at.nameLength);
    headers.writeBigUInt64LE(koffi.address(vectors) + BigInt(slot * iovecBytes), slot * mmsghdrBytes + at.iov);
    headers.writeBigUInt64LE(1n, slot * mmsghdrBytes + at.iovLength);
  }
  let next = firstPort;
  const took: number[] = [];
  for (let round = 0; round < Number(thousands); round++) {
    const started = systemClock.monotonic();
    for (let sent = 0; sent < thousand; sent += perCall) {
      for (let slot = 0; slot < perCall; slot++) packets.writeUInt16BE(next++, slot * packetBytes + sourcePortAt);
      const count = checked("sendmmsg", sendmmsg(fd, headers, perCall, 0) as number);
      if (count !== perCall) throw new Error(`sendmmsg took ${count} of ${perCall} packets`);
    }
    took.push(systemClock.monotonic() - started);
  }
  console.log(JSON.stringify(took));
}

main(process.argv.slice(2));

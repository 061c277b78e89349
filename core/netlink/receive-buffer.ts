import koffi from "koffi";
import { recvmmsg } from "./libc.ts";

// struct mmsghdr of a 64-bit machine (recvmmsg(2), recvmsg(2)); one per slot:
// mmsghdr => name nameLength iov iovLength control controlLength flags length
//   at      0    8          16  24        32      40            48    56        64 bytes in all
// iovec   => base length
//   at      0    8                                                              16 bytes in all
const mmsghdrBytes = 64;
const iovecBytes = 16;
const at = { iov: 16, iovLength: 24, flags: 48, length: 56 };

const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;

// The kernel writes through addresses that the garbage collector does not see. A collected iovec corrupted the heap once,
// so what was ever handed to recvmmsg stays referenced; sockets are few and live long.
const handedToTheKernel: Uint8Array[] = [];

/** One block of memory into which one system call reads many datagrams. */
export class ReceiveBuffer {
  /** The datagrams: slot i begins at i * slotBytes. Valid until the next `fill`. */
  readonly bytes: Buffer;
  readonly slots: number;
  readonly slotBytes: number;
  readonly #headers: Buffer;
  readonly #view: DataView;

  constructor(slots: number, slotBytes: number) {
    this.slots = slots;
    this.slotBytes = slotBytes;
    this.bytes = Buffer.alloc(slots * slotBytes);
    this.#headers = Buffer.alloc(slots * mmsghdrBytes);
    this.#view = new DataView(this.#headers.buffer, this.#headers.byteOffset, this.#headers.length);
    const vectors = Buffer.alloc(slots * iovecBytes);
    const [data, vector] = [koffi.address(this.bytes), koffi.address(vectors)];
    for (let slot = 0; slot < slots; slot++) {
      vectors.writeBigUInt64LE(data + BigInt(slot * slotBytes), slot * iovecBytes);
      vectors.writeBigUInt64LE(BigInt(slotBytes), slot * iovecBytes + 8);
      this.#headers.writeBigUInt64LE(vector + BigInt(slot * iovecBytes), slot * mmsghdrBytes + at.iov);
      this.#headers.writeBigUInt64LE(1n, slot * mmsghdrBytes + at.iovLength);
    }
    handedToTheKernel.push(this.bytes, this.#headers, vectors);
  }

  /** Reads what is there without waiting; how many datagrams, or -1 with errno. */
  fill(fd: number): number {
    return recvmmsg(fd, this.#headers, this.slots, MSG_DONTWAIT, null) as number;
  }

  lengthOf(slot: number): number {
    return this.#view.getUint32(slot * mmsghdrBytes + at.length, true);
  }

  /** The datagram was longer than the slot; its rest is gone. */
  truncated(slot: number): boolean {
    return (this.#view.getUint32(slot * mmsghdrBytes + at.flags, true) & MSG_TRUNC) !== 0;
  }
}

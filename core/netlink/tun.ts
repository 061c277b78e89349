import koffi from "koffi";
import { SluiceError } from "../errors.ts";
import { checked, close, errorName, open } from "./libc.ts";

// Documentation/networking/tuntap.rst, include/uapi/linux/if_tun.h. A TUN interface hands what the kernel sends out through it to whoever
// holds its file, and what is written to the file comes in through it: whole IP packets, no frames, no neighbours to ask for.
// ifreq => name:16 bytes, flags:u16        40 bytes in all
const libc = koffi.load(null);
const ioctl = libc.func("int ioctl(int fd, unsigned long request, ...)");
const read = libc.func("int64 read(int fd, void *data, size_t length)");
const write = libc.func("int64 write(int fd, const void *data, size_t length)");

const device = "/dev/net/tun";
const O_RDWR_NONBLOCK_CLOEXEC = 0o2 | 0o4000 | 0o2000000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x0001 | 0x1000;
const packetBytes = 2048;

/** An interface of the network namespace in which the calling thread was when it was opened; it goes when it is closed. */
export class Tun {
  readonly name: string;
  readonly #fd: number;
  readonly #bytes = Buffer.alloc(packetBytes);

  private constructor(name: string, fd: number) {
    this.name = name;
    this.#fd = fd;
  }

  /** Throws DEPENDENCY_MISSING where the kernel has none, PERMISSION_DENIED without CAP_NET_ADMIN. */
  static open(name: string): Tun {
    const fd = open(device, O_RDWR_NONBLOCK_CLOEXEC) as number;
    if (fd < 0 && ["ENOENT", "ENODEV", "ENXIO"].includes(errorName()))
      throw new SluiceError("DEPENDENCY_MISSING", `there is no ${device} here: the kernel's module tun is not loaded`);
    checked(`open ${device}`, fd);
    const request = Buffer.alloc(40);
    request.write(name, 0);
    request.writeUInt16LE(IFF_TUN_NO_PI, 16);
    try {
      checked(`ioctl TUNSETIFF ${name}`, ioctl(fd, TUNSETIFF, "void *", request) as number);
    } catch (thrown) {
      close(fd);
      throw thrown;
    }
    return new Tun(name, fd);
  }

  /** Lets a packet come in. As a rule, all that the kernel does with it, it does before this returns. */
  write(packet: Uint8Array): void {
    checked(`write ${this.name}`, Number(write(this.#fd, packet, packet.length)));
  }

  /** A packet that went out, undefined if none waits. Valid until the next call. */
  read(): Uint8Array | undefined {
    const length = Number(read(this.#fd, this.#bytes, packetBytes));
    if (length < 0 && errorName() === "EAGAIN") return undefined;
    return this.#bytes.subarray(0, checked(`read ${this.name}`, length));
  }

  close(): void {
    close(this.#fd);
  }
}

import { SluiceError } from "../../core/errors.ts";

/** The bytes end before what is read: a capture that was cut off, or a length that lies. */
export class Cut extends SluiceError {
  constructor(needed: number, length: number) {
    super("DECODE_FAILED", `dns: ${needed} bytes are needed and ${length} are there`);
  }
}

/** Steps through a message; everything read is within it. */
export class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  u8(): number {
    return this.bytes[this.take(1)] as number;
  }

  u16(): number {
    const at = this.take(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** Moves on by so many bytes; where they begin. Throws Cut. */
  take(count: number): number {
    const at = this.at;
    if (at + count > this.bytes.length) throw new Cut(at + count, this.bytes.length);
    this.at = at + count;
    return at;
  }
}

export function malformed(what: string): SluiceError {
  return new SluiceError("DECODE_FAILED", `dns: ${what}`);
}

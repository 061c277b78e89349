import { crc32 } from "node:zlib";
import { checksum } from "./checksum.ts";

// frame => length u32le   crc u32le   seq u48le   kind u8   payload
//   length: bytes of seq, kind and payload     crc: CRC-32 of the same bytes
const prefixBytes = 8;
const headBytes = 7;
/** What stands before a frame's payload. */
export const frameHeadBytes = prefixBytes + headBytes;
/** A longer frame is damage: the largest record is a heartbeat or flow with names of a few hundred bytes. */
export const maxFrameBytes = 65_536;

export const frameKind = { flow: 1, loss: 2, heartbeat: 3, end: 4, dns: 5, windowTold: 6 } as const;

export interface Frame {
  readonly seq: number;
  readonly kind: number;
  /** Where the payload stands. */
  readonly start: number;
  readonly end: number;
}

/** Why there is no frame: the bytes end within it, its checksum is wrong, or it cannot have such a length. */
export type NoFrame = "short" | "damaged" | "nonsense";

/** Begins a frame; where its payload goes. */
export function beginFrame(bytes: Buffer, at: number, seq: number, kind: number): number {
  bytes.writeUIntLE(seq, at + prefixBytes, 6);
  bytes[at + prefixBytes + 6] = kind;
  return at + prefixBytes + headBytes;
}

/** Ends the frame that began at `at` and whose payload ends at `end`. */
export function endFrame(view: DataView, at: number, end: number): void {
  view.setUint32(at, end - at - prefixBytes, true);
  view.setUint32(at + 4, checksum(view, at + prefixBytes, end), true);
}

/** Reads the frame at `at`; nothing at or behind `limit` belongs to it. */
export function frameAt(bytes: Buffer, at: number, limit: number): Frame | NoFrame {
  if (at + prefixBytes > limit) return "short";
  const length = bytes.readUInt32LE(at);
  if (length < headBytes || length > maxFrameBytes) return "nonsense";
  const body = at + prefixBytes;
  const end = body + length;
  if (end > limit) return "short";
  if (crc32(bytes.subarray(body, end)) !== bytes.readUInt32LE(at + 4)) return "damaged";
  return { seq: bytes.readUIntLE(body, 6), kind: bytes[body + 6] as number, start: body + headBytes, end };
}

/** Where the next frame begins behind one whose checksum is wrong. */
export function skipFrame(bytes: Buffer, at: number): number {
  return at + prefixBytes + bytes.readUInt32LE(at);
}

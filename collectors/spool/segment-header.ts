import { crc32 } from "node:zlib";
import { SluiceError } from "../../core/errors.ts";

// header => magic "SLSP"   version u16le   length u16le   epoch u64le   first u64le   created u64le   cluster node   crc u32le
//   length: of the whole header     first: the number of the first record     created: milliseconds     crc: CRC-32 of all before it
//   cluster, node => bytes u16le, UTF-8
const magic = Buffer.from("SLSP");
const formatVersion = 1;
const fixedBytes = 32;
/** Enough for any header. */
export const maxHeaderBytes = 65_535;

export interface SegmentHeader {
  readonly cluster: string;
  readonly node: string;
  readonly epoch: number;
  readonly first: number;
  /** Milliseconds. */
  readonly created: number;
}

export function encodeHeader({ cluster, node, epoch, first, created }: SegmentHeader): Buffer {
  const names = [cluster, node].flatMap((name) => {
    const text = Buffer.from(name);
    const length = Buffer.alloc(2);
    length.writeUInt16LE(text.length);
    return [length, text];
  });
  const fixed = Buffer.alloc(fixedBytes);
  const whole = Buffer.concat([fixed, ...names, Buffer.alloc(4)]);
  magic.copy(whole);
  whole.writeUInt16LE(formatVersion, 4);
  whole.writeUInt16LE(whole.length, 6);
  whole.writeBigUInt64LE(BigInt(epoch), 8);
  whole.writeBigUInt64LE(BigInt(first), 16);
  whole.writeBigUInt64LE(BigInt(created), 24);
  whole.writeUInt32LE(crc32(whole.subarray(0, -4)), whole.length - 4);
  return whole;
}

/**
 * The header at the start of a file and its length; undefined where none was completely written, or it is damaged. Throws
 * DATA_VERSION for one of another version.
 */
export function decodeHeader(
  bytes: Buffer,
  file: string,
): { readonly header: SegmentHeader; readonly bytes: number } | undefined {
  if (bytes.length < fixedBytes || !bytes.subarray(0, 4).equals(magic)) return undefined;
  const version = bytes.readUInt16LE(4);
  if (version !== formatVersion)
    throw new SluiceError(
      "DATA_VERSION",
      `${file} has format ${version} of the spool; this version reads ${formatVersion}`,
      { context: { file, version } },
    );
  const length = bytes.readUInt16LE(6);
  if (length < fixedBytes + 8 || length > bytes.length) return undefined;
  if (crc32(bytes.subarray(0, length - 4)) !== bytes.readUInt32LE(length - 4)) return undefined;
  const clusterEnd = fixedBytes + 2 + bytes.readUInt16LE(fixedBytes);
  const header = {
    cluster: bytes.toString("utf8", fixedBytes + 2, clusterEnd),
    node: bytes.toString("utf8", clusterEnd + 2, length - 4),
    epoch: Number(bytes.readBigUInt64LE(8)),
    first: Number(bytes.readBigUInt64LE(16)),
    created: Number(bytes.readBigUInt64LE(24)),
  };
  return { header, bytes: length };
}

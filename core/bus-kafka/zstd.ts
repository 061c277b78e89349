import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import kafkajs from "kafkajs";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Level 3 is zstd's own default: half the size of gzip's fastest at a third of its time. */
const params = { [constants.ZSTD_c_compressionLevel]: 3 };

/** Teaches kafkajs, which has gzip only, the zstd of Node.js. Once for the process. */
export function useZstd(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: (encoder: { readonly buffer: Buffer }) => compress(encoder.buffer, { params }),
    decompress: (buffer: Buffer) => decompress(buffer),
  });
}

/** Readable bytes, the same each time. */
export function payloadOf(bytes: number): Buffer {
  return Buffer.alloc(bytes, "sluice lab ");
}

// The first line by which a TCP client asks for an answer of another size than an echo.
//   ask => "ASK " digits "\n"
const ask = /^ASK (\d{1,9})\n/;

export const askFor = (bytes: number): string => `ASK ${bytes}\n`;

/** Number of bytes asked for at the start of a stream, or undefined if it is no question. */
export function askedFor(first: Buffer): number | undefined {
  const digits = ask.exec(first.subarray(0, 16).toString("latin1"))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether a stream begins like an HTTP request. */
export function isHttp(first: Buffer): boolean {
  return /^(GET|POST|HEAD|PUT) /.test(first.subarray(0, 5).toString("latin1"));
}

/** Code of a system error, or its message. */
export function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

import type { IncomingMessage } from "node:http";

export type BodyFault = "size" | "body";

/** The text of a body of at most so many bytes; `body`: it broke off, is compressed or is no UTF-8. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly text: string } | { readonly fault: BodyFault }> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) return { fault: "size" };
  if ((request.headers["content-encoding"] ?? "identity") !== "identity") return { fault: "body" };
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request) {
      bytes += (part as Buffer).length;
      if (bytes > maxBytes) return { fault: "size" };
      parts.push(part as Buffer);
    }
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts)) };
  } catch {
    return { fault: "body" };
  }
}

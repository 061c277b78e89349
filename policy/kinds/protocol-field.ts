import { z } from "zod";
import { protocolNumber } from "../protocol.ts";

/** A protocol as projectcalico.org/v3 writes it, by name or number. */
export const protocolField = z.union([
  z.int().min(1).max(255),
  z.string().transform((name, context) => {
    const number = protocolNumber(name) ?? (/^\d{1,3}$/.test(name) ? Number(name) : undefined);
    if (number !== undefined && number >= 1 && number <= 255) return number;
    context.addIssue({
      code: "custom",
      message: `"${name}" is no protocol: TCP, UDP, SCTP, UDPLite, ICMP, ICMPv6 or 1 to 255`,
    });
    return z.NEVER;
  }),
]);

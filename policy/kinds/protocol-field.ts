import { z } from "zod";
import { protocolNumber } from "../protocol.ts";
import { asIntOrString } from "./openapi.ts";
import { shown } from "./wording.ts";

/** A protocol as projectcalico.org/v3 writes it, by name or number. */
export const protocolField = asIntOrString(
  z.union([
    z.int().min(1).max(255),
    z.string().transform((name, context) => {
      const number = protocolNumber(name) ?? (/^\d{1,3}$/.test(name) ? Number(name) : undefined);
      if (number !== undefined && number >= 1 && number <= 255) return number;
      const message = `${shown(name)} is no protocol: TCP, UDP, SCTP, UDPLite, ICMP, ICMPv6 or 1 to 255`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }),
  ]),
  /^[a-zA-Z0-9]+$/,
);

/** Whether a policy may name ports of it (projectcalico.org/v3: TCP, UDP and SCTP). */
export function takesPorts(protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 132;
}

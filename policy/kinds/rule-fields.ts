import { z } from "zod";
import { celAbsent } from "./cel.ts";
import { entityRule } from "./entity.ts";
import { http } from "./http.ts";
import { constrained } from "./openapi.ts";
import { protocolField } from "./protocol-field.ts";

const icmp = constrained(
  z.strictObject({ type: z.int().min(0).max(254).optional(), code: z.int().min(0).max(255).optional() }),
  [
    {
      message: "an ICMP code needs a type",
      at: ["code"],
      holds: ({ type, code }) => type !== undefined || code === undefined,
      cel: `${celAbsent("code")} || has(self.type)`,
    },
  ],
);

/** The fields of a Rule of projectcalico.org/v3, each by itself. */
export const ruleFields = z.strictObject({
  action: z.enum(["Allow", "Deny", "Log", "Pass"]).describe("Pass goes on with the next tier, Log with the next rule."),
  metadata: z.strictObject({ annotations: z.record(z.string(), z.string()).optional() }).optional(),
  ipVersion: z.literal([4, 6]).meta({ type: "integer" }).optional(),
  protocol: protocolField.optional().describe("TCP, UDP, SCTP, UDPLite, ICMP, ICMPv6 or a number."),
  notProtocol: protocolField.optional(),
  icmp: icmp.optional(),
  notICMP: icmp.optional(),
  source: entityRule.optional(),
  destination: entityRule.optional(),
  http: http.optional().describe("Kept, not enforced: the rule matches nothing."),
});

export type RuleSpec = z.output<typeof ruleFields>;

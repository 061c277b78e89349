// What the command line and the running process say to each other, as JSON in files of the control folder:
//
//   requests/ID.json => request      written by the command line, removed by the process when it is answered
//   answers/ID.json  => answer       the reverse
import { z } from "zod";
import { messageOf, SluiceError } from "../../core/errors.ts";

const format = z.literal("sluice control 1");
const id = z.string().regex(/^[0-9a-f]{32}$/, "must be 32 hexadecimal digits");
const revision = z.string().regex(/^[0-9a-f]{16}$/, "must be a revision: 16 hexadecimal digits");
const nodeName = z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be the name of a node");

const order = z.discriminatedUnion("do", [
  z.strictObject({
    do: z.literal("break-glass"),
    reason: z.string().max(1_000),
    forMs: z.int().min(1),
    /** Null: everywhere. */
    node: nodeName.nullable(),
  }),
  z.strictObject({ do: z.literal("end-break-glass"), node: nodeName.nullable() }),
  /** Null: whatever waits for it. */
  z.strictObject({ do: z.literal("confirm"), revision: revision.nullable() }),
  z.strictObject({ do: z.literal("accept"), revision }),
]);

const request = z.strictObject({
  format,
  id,
  /** Milliseconds since the epoch. */
  at: z.int().min(0),
  /** Who asks, as far as the system tells. */
  by: z.string().max(100),
  order,
});

const answer = z.strictObject({ format, id, done: z.boolean(), text: z.string().max(4_000) });

/** What somebody wants done. */
export type Order = z.output<typeof order>;
export type Request = z.output<typeof request>;
export type Answer = z.output<typeof answer>;

export const parseRequest = (text: string): Request => parsed(request, text, "a request");
export const parseAnswer = (text: string): Answer => parsed(answer, text, "an answer");

/** Throws CONTROL_INVALID with all faults. */
export function parsed<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SluiceError("CONTROL_INVALID", `${what} is no JSON: ${messageOf(cause)}`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join(".") || "all of it"}: ${message}`);
  throw new SluiceError("CONTROL_INVALID", `${what} is not accepted: ${faults.join("; ")}`);
}

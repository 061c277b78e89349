import { readFileSync } from "node:fs";
import { z } from "zod";

// The neutral format of connectivity truth tables: one JSON object per line. See docs/conformance.md.

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});

const probe = z.looseObject({
  from: z.string(),
  to: z.string(),
  protocol: z.enum(["TCP", "UDP", "SCTP", "ICMP"]),
  port: z.int(),
  srcPort: z.int().optional(),
  icmpType: z.int().optional(),
  icmpCode: z.int().optional(),
  expect: z.enum(["allow", "deny"]),
});

const connectivity = z.looseObject({ id: z.string(), resources: z.array(object), probes: z.array(probe) });

const selector = z.discriminatedUnion("kind", [
  z.looseObject({
    id: z.string(),
    kind: z.literal("match"),
    selector: z.string(),
    labels: z.record(z.string(), z.string()),
    expect: z.boolean(),
  }),
  z.looseObject({ id: z.string(), kind: z.literal("invalid"), selector: z.string() }),
  z.looseObject({ id: z.string(), kind: z.literal("canonical"), selector: z.string(), canonical: z.string() }),
]);

const relation = z.looseObject({
  id: z.string(),
  resources: z.array(object),
  a: z.array(object),
  b: z.array(object),
  relation: z.enum(["equivalent", "a-contains-b"]),
  expect: z.boolean(),
});

export type Probe = z.output<typeof probe>;
export type Connectivity = z.output<typeof connectivity>;
export type SelectorCase = z.output<typeof selector>;
export type Relation = z.output<typeof relation>;
export type Case =
  | { readonly type: "connectivity"; readonly value: Connectivity }
  | { readonly type: "selector"; readonly value: SelectorCase }
  | { readonly type: "relation"; readonly value: Relation };

/** Reads a file of cases. Throws naming file and line for what is no case. */
export function readCases(path: string): readonly Case[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line, index) => (line.trim() === "" ? [] : [readCase(line, `${path}:${index + 1}`)]));
}

function readCase(line: string, at: string): Case {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && "probes" in value)
      return { type: "connectivity", value: connectivity.parse(value) };
    if (typeof value === "object" && value !== null && "relation" in value)
      return { type: "relation", value: relation.parse(value) };
    return { type: "selector", value: selector.parse(value) };
  } catch (cause) {
    throw new Error(
      `${at}: no conformance case: ${cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause)}`,
      { cause },
    );
  }
}

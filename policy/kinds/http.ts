import { z } from "zod";
import { celEmpty } from "./cel.ts";
import { isDistinct } from "./fields.ts";
import { asAtomic, type Constraint, constrained } from "./openapi.ts";

// HTTPMatch of projectcalico.org/v3: understood and kept, not enforced by a packet filter.

const pathText = z.string().max(1024);

const path = constrained(z.strictObject({ exact: pathText.optional(), prefix: pathText.optional() }), [
  {
    message: "exactly one of exact and prefix is needed",
    holds: ({ exact, prefix }) => Boolean(exact) !== Boolean(prefix),
    cel: `${celEmpty("exact")} != ${celEmpty("prefix")}`,
  },
  // RFC 3986, section 3.3
  {
    message: "a path begins with / and holds no blank, ? or #",
    holds: ({ exact, prefix }) => /^\/[^? #]*$/.test(exact || prefix || "/"),
  },
]);

const header = z.strictObject({ header: z.string(), operator: z.string(), values: asAtomic(z.array(z.string())) });

const distinctMethods: Constraint<readonly string[]> = { message: "a method stands twice", holds: isDistinct };

export const http = z.strictObject({
  methods: asAtomic(constrained(z.array(z.string()).max(20), [distinctMethods])).optional(),
  paths: asAtomic(z.array(path).max(20)).optional(),
  headers: asAtomic(z.array(header)).optional(),
});

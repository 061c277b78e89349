import { stringify } from "yaml";

/** An answer that is one thing, for programs. */
export function documentText(value: unknown, format: "json" | "yaml"): string {
  return format === "json" ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { aliasDuplicateObjects: false });
}

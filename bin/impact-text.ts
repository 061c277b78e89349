import type { Impact } from "../policy/impact.ts";
import { plural } from "../sinks/live/text.ts";

/** The sums of an impact as a sentence. */
export function impactSentence({ flows, same, newlyDenied, newlyAllowed, uncertain, folded }: Impact): string {
  if (flows === 0) return "no recorded flows in that time";
  const parts = [
    `${plural(flows, "flow")}: ${same} as before`,
    `${newlyDenied} newly denied`,
    `${newlyAllowed} newly allowed`,
    `${uncertain} uncertain`,
  ];
  const more = folded.flows === 0 ? "" : `; not listed: ${plural(folded.flows, "flow")} of other pairs (--limit)`;
  return `${parts.join(", ")}${more}`;
}

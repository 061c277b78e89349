import { isDeepStrictEqual } from "node:util";
import { type RuleId, tryParseRuleId } from "../../../core/rule-id.ts";
import { type LogPrefix, reasons } from "../../../enforcer/ruleset.ts";
import type { Direction } from "../../../policy/program.ts";
import type { Sighting } from "./fleet.ts";
import type { Home } from "./layout.ts";

/** The kernel's verdict about a packet. */
export type Fate =
  | {
      readonly action: "allow";
      /** Rules that the conntrack labels name; undefined where the kernel tracks no connection that could carry them. */
      readonly rules: { readonly egress: RuleId | null; readonly ingress: RuleId | null } | undefined;
      /** Ids of `log` rules that were hit, in order. */
      readonly logged: readonly RuleId[];
    }
  | {
      readonly action: "deny";
      readonly direction: Direction;
      readonly because: LogPrefix["because"];
      readonly logged: readonly RuleId[];
    }
  /** Neither did it arrive nor does a rule say that it dropped it, or both at once: the kernel, the ruleset or the harness is broken. */
  | { readonly action: "lost"; readonly sighting: Sighting };

/** `destination` is where the packet should come out. */
export function fateOf(sighting: Sighting, destination: Home | "outside"): Fate {
  const prefixes = sighting.logs.map(prefixOf);
  if (prefixes.includes(undefined)) return { action: "lost", sighting };
  const known = prefixes as readonly LogPrefix[];
  const denials = known.filter(({ action }) => action === "D");
  const logged = known.filter(({ action }) => action === "L").map(({ because }) => because as RuleId);
  const [denial] = denials;
  const arrived = sighting.arrived !== null && isDeepStrictEqual(sighting.arrived, destination);
  if (denial !== undefined && denials.length === 1 && sighting.arrived === null)
    return { action: "deny", direction: denial.direction, because: denial.because, logged };
  if (denial === undefined && arrived) return { action: "allow", rules: rulesOf(sighting), logged };
  return { action: "lost", sighting };
}

/** Each node has its own entry, and the label of each half is set on one of them. */
function rulesOf({ labels }: Sighting) {
  if (labels.length === 0) return undefined;
  const first = (direction: Direction) => labels.map((rules) => rules[direction]).find((rule) => rule !== null) ?? null;
  return { egress: first("egress"), ingress: first("ingress") };
}

const directions = { E: "egress", I: "ingress" } as const;

function prefixOf(text: string): LogPrefix | undefined {
  const [, action, direction, cause = ""] = /^([DL])\|([EI])\|([0-9a-z-]+)$/.exec(text) ?? [];
  const because = tryParseRuleId(cause) ?? reasons.find((reason) => reason === cause);
  if (action === undefined || because === undefined) return undefined;
  return { action: action as "D" | "L", direction: directions[direction as "E" | "I"], because };
}

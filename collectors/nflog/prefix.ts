import type { Direction } from "../../core/records/flow.ts";
import { type RuleId, tryParseRuleId } from "../../core/rule-id.ts";

// What the enforcer's rules write in front of a log message:
//
// prefix    => action "|" direction "|" cause
// action    => "D" (denied) | "R" (denied, an answer: who asked is its destination) | "S" (would be denied: staged)
//            | "P" (passed on) | "A" (allowed)
// direction => "E" (egress) | "I" (ingress)
// cause     => rule id | reason
// reason    => "unknown-endpoint" | "spoofed" | "invalid" | "revoked"

const actions = { D: "deny", R: "deny", S: "staged", P: "pass", A: "allow" } as const;
const directions = { E: "egress", I: "ingress" } as const satisfies Record<string, Direction>;
const reasons: ReadonlySet<string> = new Set(["unknown-endpoint", "spoofed", "invalid", "revoked"]);

export interface LogPrefix {
  readonly action: (typeof actions)[keyof typeof actions];
  readonly direction: Direction;
  readonly isAnswer: boolean;
  /** Either a rule or a reason is given. */
  readonly rule: RuleId | null;
  readonly reason: string | null;
}

// As many as there are rules that log, and some of others.
const mostKnown = 16_384;

/** Prefixes read before: each packet of a rule has the same. */
export class KnownPrefixes {
  readonly #known = new Map<string, LogPrefix | undefined>();

  /** As `parsePrefix`. */
  parse(text: string): LogPrefix | undefined {
    const known = this.#known.get(text);
    if (known !== undefined || this.#known.has(text)) return known;
    if (this.#known.size >= mostKnown) this.#known.clear();
    const prefix = parsePrefix(text);
    this.#known.set(text, prefix);
    return prefix;
  }
}

/** Undefined for a prefix that is not ours: other rules may log to the same group. */
export function parsePrefix(text: string): LogPrefix | undefined {
  const match = /^([DRSPA])\|([EI])\|([0-9a-z-]+)\s*$/.exec(text);
  if (match === null) return undefined;
  const cause = match[3] as string;
  const rule = tryParseRuleId(cause) ?? null;
  if (rule === null && !reasons.has(cause)) return undefined;
  return {
    action: actions[match[1] as keyof typeof actions],
    direction: directions[match[2] as keyof typeof directions],
    isAnswer: match[1] === "R",
    rule,
    reason: rule === null ? cause : null,
  };
}

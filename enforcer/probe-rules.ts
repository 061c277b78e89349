import { probeAddress, probeInterface } from "../core/probe.ts";
import type { Direction } from "../policy/program.ts";
import type { Draft } from "./draft.ts";
import { addressElement } from "./element.ts";
import { type Condition, type Hook, type Name, nameOf, type Rule } from "./ruleset.ts";

/** Counters of a base chain's rules for probes; probe.ts looks whether they count. */
export function probeCounter(does: "allow" | "deny", direction: Direction, hook: Hook): Name {
  return nameOf(`probe_${does}_${direction}_${hook}`);
}

/** Where a probe may go. */
const allowedSet = nameOf("probe_allowed");

export function ofProbe(field: "iifname" | "oifname"): Condition {
  return { if: "interface", field, name: probeInterface, prefix: false };
}

/**
 * Rules of one base chain for packets of probes. They stand behind the rule that lets established connections pass: so probes are
 * tracked as all others are, and cost those nothing. What is not allowed is denied, also what somebody else routes to the interface.
 */
export function probeRules(draft: Draft, direction: Direction, hook: Hook): readonly Rule[] {
  const elements = new Set([addressElement(probeAddress.allowed)]);
  draft.set(allowedSet, ["ipv4_addr"], null, { from: "constant", elements });
  const here = ofProbe(hook === "output" ? "oifname" : "iifname");
  const count = (does: "allow" | "deny") =>
    ({ do: "count", counter: draft.counter(probeCounter(does, direction, hook)) }) as const;
  return [
    {
      when: [here, { if: "member", key: ["daddr4"], set: allowedSet, not: false }],
      statements: [count("allow"), { do: "accept" }],
    },
    { when: [here], statements: [count("deny"), { do: "drop" }] },
  ];
}

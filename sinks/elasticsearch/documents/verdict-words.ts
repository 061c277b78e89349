import type { Flow } from "../../../core/records/flow.ts";

// What a flow's state and action are called in ECS.

const outcomes = { allow: '"success"', deny: '"failure"', unknown: '"unknown"' } as const;

export function outcomeOf({ action }: Pick<Flow, "action">): string {
  return outcomes[action];
}

const stages = { open: "info", closed: "end", denied: "start" } as const;
const verdicts = { allow: ["allowed"], deny: ["denied"], unknown: [] } as const;

/** A denied connection is one that somebody wanted to begin. */
const types = new Map(
  (["open", "closed", "denied"] as const).flatMap((state) =>
    (["allow", "deny", "unknown"] as const).map((action) => [
      `${state} ${action}`,
      JSON.stringify(["connection", stages[state], ...verdicts[action]]),
    ]),
  ),
);

export function typesOf({ state, action }: Pick<Flow, "state" | "action">): string | undefined {
  return types.get(`${state} ${action}`);
}

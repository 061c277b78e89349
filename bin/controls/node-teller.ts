import { conditionsToWrite, type TimedCondition } from "../../controls/conditions.ts";
import { nodeCondition } from "../../controls/object-status/node-report.ts";
import type { Clock } from "../../core/clock.ts";
import type { Api } from "../../core/kube/api/api.ts";
import { judgeNode, type NodeJudgement, type NodeStatus } from "../node-status.ts";

/** As a condition of a Node has it: one word. */
const reasons: Readonly<Record<NodeJudgement["state"], string>> = {
  enforcing: "Enforcing",
  observing: "Observing",
  starting: "Starting",
  open: "BreakGlass",
  behind: "Behind",
  failing: "Failing",
  "not-enforceable": "NotEnforceable",
  stopped: "Stopped",
  silent: "Silent",
};

/** Those in which the rules that were applied last deny what they should. */
const inForce: ReadonlySet<NodeJudgement["state"]> = new Set(["enforcing", "behind", "failing"]);

/** What else the node tells of itself waits for it. */
const answerMs = 5_000;

/** Says in a condition of each Node which policies are in force there, when it is otherwise than before. */
export function nodeTeller({ api, clock }: { readonly api: Pick<Api, "send">; readonly clock: Clock }) {
  const said = new Map<string, readonly TimedCondition[]>();
  return async (status: NodeStatus, signal: AbortSignal): Promise<void> => {
    const { state } = judgeNode(status, clock.now());
    if (state === "stopped") return; // its rules stay
    const revision = inForce.has(state) ? status.revision.applied : null;
    const next = conditionsToWrite(
      said.get(status.node) ?? [],
      [nodeCondition({ revision }, reasons[state])],
      clock.now(),
    );
    if (next === undefined) return;
    const body = { apiVersion: "v1", kind: "Node", metadata: { name: status.node }, status: { conditions: next } };
    const query = { fieldManager: "sluice-node", force: "true" };
    const type = "application/apply-patch+yaml";
    await api.send("PATCH", `/api/v1/nodes/${encodeURIComponent(status.node)}/status`, {
      ...{ query, type, body },
      ...{ signal, idleMs: answerMs },
    });
    said.set(status.node, next);
  };
}

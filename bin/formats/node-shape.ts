import { agoText, judgeNode, type NodeStatus, timeText } from "../node-status.ts";
import type { Shape } from "./format.ts";

const isWell = new Set(["enforcing", "observing"]);

/** Whether nothing is the matter with a node at this time. */
export function nodeIsWell(status: NodeStatus, now: number): boolean {
  return isWell.has(judgeNode(status, now).state);
}

export function nodeShape(now: number): Shape<NodeStatus> {
  return {
    objectOf: (status) => ({
      ...status,
      state: judgeNode(status, now).state,
      reason: judgeNode(status, now).words,
      writtenAt: timeText(status.writtenAt),
      stoppedAt: timeText(status.stoppedAt),
      appliedAt: timeText(status.appliedAt),
      probe: status.probe && {
        ...status.probe,
        at: timeText(status.probe.at),
        since: timeText(status.probe.since),
      },
      lastArrival: status.lastArrival && { ...status.lastArrival, at: timeText(status.lastArrival.at) },
    }),
    nameOf: ({ node }) => node,
    columns: [
      { header: "node", cell: ({ node }) => node },
      {
        header: "state",
        cell: (status) => judgeNode(status, now).state,
        text: (status) => `${nodeIsWell(status, now) ? "✓" : "!"} ${judgeNode(status, now).state}`,
      },
      { header: "mode", cell: ({ mode }) => mode },
      { header: "wanted", cell: ({ revision }) => revision.wanted, only: "wide" },
      { header: "revision", cell: ({ revision }) => revision.applied },
      {
        header: "applied",
        cell: ({ appliedAt }) => timeText(appliedAt),
        text: ({ appliedAt }) => (appliedAt === null ? "-" : `${agoText(now - appliedAt)} ago`),
      },
      { header: "ms", cell: ({ applyMs }) => applyMs },
      { header: "rules", cell: ({ size }) => size.rules },
      { header: "sets", cell: ({ size }) => size.sets },
      { header: "elements", cell: ({ size }) => size.elements },
      { header: "drifts", cell: ({ drifts }) => drifts },
      { header: "failures", cell: ({ failures }) => failures },
      { header: "problems", cell: ({ problems }) => problems.length, only: "wide" },
      { header: "pod waited ms", cell: ({ lastArrival }) => lastArrival?.waitedMs ?? null, only: "wide" },
      { header: "pod start ms", cell: ({ lastArrival }) => lastArrival?.sinceStartMs ?? null, only: "wide" },
      { header: "told", cell: ({ writtenAt }) => timeText(writtenAt), only: "wide" },
      { header: "reason", cell: (status) => judgeNode(status, now).words },
    ],
  };
}

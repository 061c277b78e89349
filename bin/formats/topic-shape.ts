import { changesOf, type TopicState } from "../../core/bus-kafka/topics.ts";
import type { Shape } from "./format.ts";

export const topicShape: Shape<TopicState> = {
  objectOf: (state) => ({
    type: "topic",
    name: state.plan.name,
    exists: state.now !== undefined,
    plan: withoutName(state.plan),
    now: state.now ?? null,
    differences: differencesOf(state),
  }),
  nameOf: ({ plan }) => plan.name,
  columns: [
    { header: "topic", cell: ({ plan }) => plan.name },
    { header: "partitions", cell: ({ now }) => now?.partitions ?? null },
    { header: "copies", cell: ({ now }) => now?.replicas ?? null },
    { header: "retention", cell: ({ now }) => now?.settings["retention.ms"] ?? null, only: "wide" },
    { header: "differences", cell: (state) => differencesOf(state).join("; ") },
  ],
};

/** As it would be told once it was done. */
const differencesOf = (state: TopicState): readonly string[] => changesOf(state).map(({ what }) => what);

const withoutName = ({ partitions, replicas, settings }: TopicState["plan"]) => ({ partitions, replicas, settings });

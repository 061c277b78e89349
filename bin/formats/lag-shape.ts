import type { PartitionLag } from "../../core/bus-kafka/lag.ts";
import type { Shape } from "./format.ts";

export const lagShape: Shape<PartitionLag> = {
  objectOf: (lag) => ({ type: "lag", ...lag }),
  nameOf: ({ group, partition }) => `${group}/${partition}`,
  columns: [
    { header: "group", cell: ({ group }) => group },
    { header: "topic", cell: ({ topic }) => topic },
    { header: "partition", cell: ({ partition }) => partition },
    { header: "messages", cell: ({ messages }) => messages },
    { header: "seconds", cell: ({ seconds }) => (seconds === null ? null : Number(seconds.toFixed(1))) },
  ],
};

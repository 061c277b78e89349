import { isoTime } from "../../core/clock.ts";
import type { Letter } from "../dead/letter.ts";
import type { Shape } from "./format.ts";

export const letterShape: Shape<Letter> = {
  objectOf: ({ id, at, topic, partition, offset, cause, message, handled }) => ({
    type: "deadLetter",
    id,
    at: isoTime(at),
    topic,
    partition,
    offset,
    key: message.key,
    bytes: message.value.byteLength,
    cause,
    state: handled?.how ?? "waiting",
    replays: handled?.replays ?? 0,
    handledAt: handled === null ? null : isoTime(handled.at),
    reason: handled?.reason ?? null,
  }),
  nameOf: ({ id }) => String(id),
  columns: [
    { header: "id", cell: ({ id }) => id },
    { header: "time", cell: ({ at }) => isoTime(at) },
    { header: "topic", cell: ({ topic }) => topic },
    { header: "partition", cell: ({ partition }) => partition, only: "wide" },
    { header: "offset", cell: ({ offset }) => offset, only: "wide" },
    { header: "node", cell: ({ message }) => message.key },
    { header: "bytes", cell: ({ message }) => message.value.byteLength },
    { header: "state", cell: ({ handled }) => handled?.how ?? "waiting" },
    { header: "replays", cell: ({ handled }) => handled?.replays ?? 0, only: "wide" },
    { header: "reason", cell: ({ handled }) => handled?.reason ?? null, only: "wide" },
    { header: "cause", cell: ({ cause }) => cause },
  ],
};

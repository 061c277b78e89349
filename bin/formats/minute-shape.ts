import type { Minute } from "../completeness.ts";
import { microTime, secondText } from "../micro-time.ts";
import type { Shape } from "./format.ts";

/** Minutes of one node that follow each other and are alike. */
export interface Stretch extends Minute {
  readonly minutes: number;
}

const minuteUs = 60_000_000;

/** For people: neighbours that are alike become one. What was lost stays apart. */
export function stretchesOf(minutes: readonly Minute[], merged: boolean): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (const minute of minutes) {
    const before = stretches.at(-1);
    if (merged && before !== undefined && isMore(before, minute)) {
      const silentSeconds = before.silentSeconds + minute.silentSeconds;
      stretches[stretches.length - 1] = { ...before, silentSeconds, minutes: before.minutes + 1 };
    } else stretches.push({ ...minute, minutes: 1 });
  }
  return stretches;
}

function isMore({ node, start, state, minutes }: Stretch, minute: Minute): boolean {
  const follows = node === minute.node && start + minutes * minuteUs === minute.start;
  return follows && state === minute.state && state !== "lost";
}

export const minuteShape: Shape<Stretch> = {
  objectOf: ({ node, start, state, lost, where, silentSeconds }) => ({
    type: "completeness",
    node,
    minute: microTime(start),
    state,
    lost,
    where,
    silentSeconds,
  }),
  nameOf: ({ node, start }) => `${node}/${microTime(start)}`,
  columns: [
    { header: "node", cell: ({ node }) => node },
    { header: "from", cell: ({ start }) => microTime(start), text: ({ start }) => minuteText(start) },
    {
      header: "to",
      cell: ({ start, minutes }) => microTime(start + minutes * minuteUs),
      text: ({ start, minutes }) => minuteText(start + minutes * minuteUs).slice(11),
    },
    { header: "state", cell: ({ state }) => state, text: stateText },
    { header: "lost", cell: ({ lost }) => lost, only: "csv" },
    { header: "where", cell: ({ where }) => where.join(" "), only: "csv" },
    { header: "silentSeconds", cell: ({ silentSeconds }) => silentSeconds, only: "csv" },
  ],
};

const minuteText = (us: number) => secondText(us).slice(0, 16);

/** `✓ complete`, `! lost 12 (conntrack, archive)`, `! silent for 20 s`. */
function stateText({ state, lost, where, silentSeconds }: Stretch): string {
  const silent = `silent for ${Math.round(silentSeconds)} s`;
  switch (state) {
    case "complete":
      return "✓ complete";
    case "stopped":
      return "· stopped in good order";
    case "silent":
      return `! ${silent}`;
    case "lost": {
      const count = lost === null ? "an unknown number" : lost.toLocaleString("en-US");
      return `! lost ${count} (${where.join(", ")})${silentSeconds > 0 ? `, ${silent}` : ""}`;
    }
  }
}

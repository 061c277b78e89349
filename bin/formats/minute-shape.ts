import { type Minute, minuteUs } from "../completeness.ts";
import { microTime, secondText } from "../micro-time.ts";
import type { Shape } from "./format.ts";

/** For people: neighbours that are alike become one. What was lost stays apart. */
export function stretchesOf(minutes: readonly Minute[]): readonly Minute[] {
  const stretches: Minute[] = [];
  for (const minute of minutes) {
    const before = stretches.at(-1);
    if (before === undefined || !isMore(before, minute)) stretches.push(minute);
    else {
      const silentSeconds = before.silentSeconds + minute.silentSeconds;
      stretches[stretches.length - 1] = { ...before, silentSeconds, end: minute.end };
    }
  }
  return stretches;
}

function isMore({ node, end, state }: Minute, minute: Minute): boolean {
  return node === minute.node && end === minute.start && state === minute.state && state !== "lost";
}

export const minuteShape: Shape<Minute> = {
  objectOf: ({ node, start, end, state, lost, where, silentSeconds }) => ({
    type: "completeness",
    node,
    minute: microTime(start - (start % minuteUs)),
    from: microTime(start),
    to: microTime(end),
    state,
    lost,
    where,
    silentSeconds,
  }),
  nameOf: ({ node, start }) => `${node}/${microTime(start)}`,
  columns: [
    { header: "node", cell: ({ node }) => node },
    { header: "from", cell: ({ start }) => microTime(start), text: ({ start }) => secondText(start) },
    { header: "to", cell: ({ end }) => microTime(end), text: toText },
    { header: "state", cell: ({ state }) => state, text: stateText },
    { header: "lost", cell: ({ lost }) => lost, only: "csv" },
    { header: "where", cell: ({ where }) => where.join(" "), only: "csv" },
    { header: "silentSeconds", cell: ({ silentSeconds }) => silentSeconds, only: "csv" },
  ],
};

/** The day only where it is another. */
function toText({ start, end }: Minute): string {
  const [from, to] = [secondText(start), secondText(end)];
  return from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to;
}

/** `✓ complete`, `! lost 12 (conntrack, archive)`, `! silent for 20 s`. */
function stateText({ state, lost, where, silentSeconds }: Minute): string {
  const silent = `silent for ${Math.ceil(silentSeconds)} s`;
  switch (state) {
    case "complete":
      return "✓ complete";
    case "stopped":
      return "· stopped in good order";
    case "silent":
      return `! ${silent}`;
    case "lost": {
      const count = lost === null ? "an unknown number" : lost.toLocaleString("en-US");
      return `! lost ${lost === 0 ? "more, counted before" : count} (${where.join(", ")})${silentSeconds > 0 ? `, ${silent}` : ""}`;
    }
  }
}

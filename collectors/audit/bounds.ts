// What is kept of texts that clients choose. Names of Kubernetes have at most 253 characters and those of users seldom as many; what
// was cut is equal to nothing that anybody is allowed to do.
const most = { name: 1_024, text: 2_048, address: 64 } as const;
const askedMost = 16_384;
/** Objects of Kubernetes have a dozen levels or two; whoever reads what was asked for goes down by recursion. */
const mostLevels = 64;

export const maxGroups = 1_000;

export function cut(text: string, sort: keyof typeof most): string {
  const length = most[sort];
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** JSON of what was asked for; null if nothing is told of it, or too much, or it is nested too deep. */
export function askedText(asked: unknown): string | null {
  if (asked === undefined || asked === null || isDeeper(asked, mostLevels)) return null;
  const text = JSON.stringify(asked);
  return text.length <= askedMost ? text : null;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1));
}

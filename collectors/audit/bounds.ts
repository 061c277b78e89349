// What is kept of texts that clients choose. Names of Kubernetes have at most 253 characters and those of users seldom as many; what
// was cut is equal to nothing that anybody is allowed to do.
const most = { name: 1_024, text: 2_048, address: 64 } as const;
const askedMost = 16_384;

export const maxGroups = 1_000;

export function cut(text: string, sort: keyof typeof most): string {
  const length = most[sort];
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** JSON of what was asked for; null if nothing is told of it, or too much. */
export function askedText(asked: unknown): string | null {
  if (asked === undefined || asked === null) return null;
  try {
    const text = JSON.stringify(asked);
    return text.length <= askedMost ? text : null;
  } catch {
    return null; // deeper than the stack
  }
}

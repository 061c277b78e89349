import type { Reference } from "./place.ts";

/** What an upgrade never takes away, and an uninstall only if everything is to go: evidence, and what policies stand in. */
const kinds: ReadonlySet<string> = new Set(["PersistentVolumeClaim", "Tier"]);

export const isLasting = ({ kind }: Reference): boolean => kinds.has(kind);

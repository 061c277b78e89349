import type { Fields } from "./template.ts";

/** Of every object; `sluice uninstall` and `upgrade` know by them what is theirs. */
export const ownLabels = { "app.kubernetes.io/name": "sluice" } as const;

/** Of the objects and pods of one component. */
export function labelsOf(component: string): Fields {
  return { ...ownLabels, "app.kubernetes.io/component": component };
}

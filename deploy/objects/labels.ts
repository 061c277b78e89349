import { ownLabels } from "../../policy/crd.ts";
import type { Fields } from "./template.ts";

/** Of the objects and pods of one component. */
export function labelsOf(component: string): Fields {
  return { ...ownLabels, "app.kubernetes.io/component": component };
}

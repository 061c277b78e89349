import { textIn, within } from "../../core/kube/field.ts";

/** Who wrote an object last, as the client called itself: no proof of who it was. Null where the object does not say. */
export function lastFieldManager(object: unknown): string | null {
  const all = within(within(object, "metadata"), "managedFields");
  const written = (Array.isArray(all) ? (all as readonly unknown[]) : []).filter(
    (entry) => textIn(entry, "subresource") !== "status",
  );
  const [latest] = written.toSorted((a, b) => ((textIn(a, "time") ?? "") < (textIn(b, "time") ?? "") ? 1 : -1));
  return latest === undefined ? null : (textIn(latest, "manager") ?? null);
}

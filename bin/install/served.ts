import { SluiceError } from "../../core/errors.ts";
import { type Api, ApiError, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { titleOf } from "./place.ts";

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message: string;
}

/** Whether the server has taken a definition. */
export function isEstablished(definition: KubeObject | undefined): boolean {
  return conditionsOf(definition).some(({ type, status }) => type === "Established" && status === "True");
}

/** Whether it answers for the kind already: some milliseconds after it has taken the definition, and each kind for itself. */
export async function isServed(api: Api, definition: KubeObject): Promise<boolean> {
  const { group, names, versions } = definition["spec"] as DefinitionSpec;
  try {
    await api.get(`/apis/${group}/${versions[0]?.name}/${names.plural}`, { query: { limit: 1 } });
    return true;
  } catch (thrown) {
    if (isMissing(thrown) || (thrown instanceof ApiError && thrown.retriable)) return false;
    throw thrown;
  }
}

interface DefinitionSpec {
  readonly group: string;
  readonly names: { readonly plural: string };
  readonly versions: readonly { readonly name: string }[];
}

/** Throws KUBE_FAILED if the server never will, since another kind has its names. */
export function requireNames(definition: KubeObject): void {
  const refused = conditionsOf(definition).find(({ type, status }) => type === "NamesAccepted" && status === "False");
  if (refused !== undefined) throw new SluiceError("KUBE_FAILED", `${titleOf(definition)}: ${refused.message}`);
}

function conditionsOf(definition: KubeObject | undefined): readonly Condition[] {
  // Null, right after it was made.
  const { conditions } = (definition?.["status"] ?? {}) as { readonly conditions?: readonly Condition[] | null };
  return conditions ?? [];
}

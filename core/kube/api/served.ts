import { type Api, isMissing } from "./api.ts";
import { type Resource, versionPathOf } from "./resource.ts";

/** Whether the server names the resource among those it has. What it says while it cannot tell counts as yes. */
export async function isServed(api: Api, { apiVersion, plural }: Resource, signal: AbortSignal): Promise<boolean> {
  try {
    const { resources = [] } = (await api.get(versionPathOf(apiVersion), { signal })) as {
      readonly resources?: readonly { readonly name?: string }[];
    };
    return resources.some(({ name }) => name === plural);
  } catch (thrown) {
    return !isMissing(thrown);
  }
}

import type { KubeObject } from "../../core/kube/objects.ts";
import { commandFaults } from "./sluice-services.ts";

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

/** What is wrong with how the containers of these objects are begun, by our own commands and settings. */
export function podFaults(objects: readonly KubeObject[]): readonly string[] {
  return objects.flatMap((object) =>
    containersOf(object).flatMap(({ args, env }) => {
      const environment = Object.fromEntries(env.map(({ name, value }) => [name, plain(value)]));
      // It names the file of the settings, which the cluster has.
      const { SLUICE_CONFIG: _, ...settings } = environment;
      return commandFaults({ command: args, environment: settings }).map(
        (fault) => `${object.metadata.name}: ${fault}`,
      );
    }),
  );
}

/** Names and addresses that only a node knows are written like this one's. */
function plain(value = "node-1"): string {
  return value.replace(/\$\([A-Z_]+\)/, "10.0.0.1");
}

function containersOf({ spec }: KubeObject): readonly Container[] {
  const { template } = (spec ?? {}) as {
    readonly template?: { readonly spec: { readonly containers: readonly Container[] } };
  };
  return template?.spec.containers ?? [];
}

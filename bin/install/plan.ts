import { type Config, parseConfig, settings } from "../../core/config.ts";
import { SluiceError } from "../../core/errors.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { namespaceObject, workingObjects } from "../../deploy/objects/installation.ts";
import { type Values, valuesOf } from "../../deploy/objects/values.ts";
import { type Foreign, ownDefinitions } from "./foreign.ts";
import { tierControls } from "./tier-controls.ts";

/** What a cluster is to have. */
export interface Plan {
  readonly values: Values;
  readonly config: Config;
  readonly definitions: readonly KubeObject[];
  readonly namespace: KubeObject;
  readonly objects: readonly KubeObject[];
}

export interface Wanted {
  readonly version: string;
  readonly namespace: string;
  /** As given, one over the other. */
  readonly given: readonly unknown[];
  readonly foreign: Foreign;
  /** Kinds of admission that the cluster has. */
  readonly admission: ReadonlySet<string>;
}

/** Throws CONFIG_INVALID if values are not accepted, USAGE if they do not go with what else is in the cluster. */
export function planOf({ version, namespace, given, foreign, admission }: Wanted): Plan {
  const values = valuesOf(version, ...given);
  const config = configIn(values);
  if (foreign.signs.length > 0 && config.enforcer.mode === "enforce") throw twoEnforcers(foreign);
  // Where Calico is, its tiers are its own.
  const hasTiers = values.tiers.enabled && foreign.signs.length === 0;
  return {
    values,
    config,
    definitions: ownDefinitions(foreign),
    namespace: namespaceObject(namespace),
    objects: [...(hasTiers ? tierControls(admission) : []), ...workingObjects(values, namespace)],
  };
}

function configIn({ config, node }: Values): Config {
  for (const { path, secret } of settings)
    if (secret && at(config, path) !== undefined)
      throw new SluiceError(
        "CONFIG_INVALID",
        `config.${path}: everybody who may read ConfigMaps would read it; put it into a Secret and name its file`,
      );
  const read = parseConfig({ fileName: "config (of the values)", fileText: JSON.stringify(config) });
  if (!node.enforcement && read.bus.brokers.length === 0)
    throw new SluiceError(
      "CONFIG_INVALID",
      "node.enforcement is false, so nodes only collect, for Kafka: give config.bus.brokers as well",
    );
  return read;
}

function at(config: Readonly<Record<string, unknown>>, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], config);
}

function twoEnforcers({ signs }: Foreign): SluiceError {
  return new SluiceError(
    "USAGE",
    `Calico is in this cluster: ${signs.join("; ")}. Two that enforce the same policies would get into each other's way. ` +
      "Install Sluice to observe: it reads those policies, tells what they decide and blocks nothing: --set config.enforcer.mode=observe",
  );
}

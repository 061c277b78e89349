import type { Clock } from "../../clock.ts";
import { merged } from "../../merged.ts";
import type { Validate } from "../examine.ts";
import type { FaultListener } from "../fault-listener.ts";
import type { Change, ObjectSource } from "../watch.ts";
import type { Api } from "./api.ts";
import { Installations } from "./installations.ts";
import { Outage } from "./outage.ts";
import { Reflector, type ReflectorStatus } from "./reflector.ts";
import type { Resource } from "./resource.ts";

export interface ApiSourceOptions extends FaultListener {
  readonly api: Api;
  readonly resources: readonly Resource[];
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Refuses objects beyond their common shape; one that is refused keeps its last good state. */
  readonly validate?: Validate;
  /** See ReflectorOptions. */
  readonly idleMs?: number;
}

/** Watched to learn when a resource comes, so that nobody has to look for it often. */
const definitions: Resource = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  fields: { metadata: { name: true, uid: true }, status: { conditions: { type: true, status: true } } },
  isRequired: false,
};

/**
 * The objects of an API server. Resources may be missing, come and go; one that may not be read is told and left out until it may, unless
 * it is required: nothing is told before that.
 */
export class ApiSource implements ObjectSource {
  readonly name: string;
  readonly #options: ApiSourceOptions;
  #reflectors: readonly Reflector[] = [];

  constructor(options: ApiSourceOptions) {
    this.name = `API server ${options.api.server}`;
    this.#options = options;
  }

  /** Of each resource, as the last watch knows it. */
  get statuses(): readonly ReflectorStatus[] {
    return this.#reflectors.map(({ status }) => status);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    const installations = new Installations();
    const common = { ...this.#options, installations, outage: new Outage(this.#options.log) };
    const ofDefinitions = new Reflector({ ...common, validate: () => [], resource: definitions });
    const ofObjects = this.#options.resources.map((resource) => new Reflector({ ...common, resource }));
    this.#reflectors = [...ofObjects, ofDefinitions];
    const sources = this.#reflectors.map((from) => (stop: AbortSignal) => tagged(from, stop));
    const awaited = new Set(ofObjects);
    let first: Change[] = [];
    for await (const told of merged(sources, signal)) {
      if (told.some(({ from }) => from === ofDefinitions)) installations.note();
      const changes = told.flatMap((batch) => (batch.from === ofDefinitions ? [] : batch.changes));
      if (awaited.size > 0) {
        first = first.concat(changes);
        for (const { from } of told) awaited.delete(from);
        if (awaited.size > 0) continue;
        yield [...first, { type: "synced" }];
        first = [];
      } else if (changes.length > 0) yield changes;
    }
  }
}

async function* tagged(from: Reflector, stop: AbortSignal) {
  for await (const changes of from.watch(stop)) yield { from, changes };
}

import type { Clock } from "../../core/clock.ts";
import { SluiceError } from "../../core/errors.ts";
import { type Api, ApiError } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { apply, find, isMissing, remove, type WriteOptions } from "./cluster.ts";
import { isLasting } from "./lasting.ts";
import { pathOf, type Reference, referenceTo, titleOf } from "./place.ts";
import type { Plan } from "./plan.ts";
import { type InstallationRecord, readRecord, writeRecord } from "./record.ts";
import { isEstablished, isServed, requireNames } from "./served.ts";

export interface InstallerOptions extends WriteOptions {
  readonly api: Api;
  readonly clock: Clock;
  readonly namespace: string;
  readonly version: string;
  /** One line of what was done. */
  readonly say: (line: string) => Promise<void>;
}

const servedMs = 60_000;

/** Brings a cluster to what a plan wants; what an earlier one had and this one has not, goes. */
export class Installer {
  readonly #options: InstallerOptions;

  constructor(options: InstallerOptions) {
    this.#options = options;
  }

  /** `given` are the values as they were given. Throws KUBE_FAILED. */
  async install(plan: Plan, given: unknown): Promise<void> {
    const { dry, namespace, version } = this.#options;
    const before = await this.#recordBefore();
    const objects = plan.objects.map(referenceTo);
    const left = (before?.objects ?? []).filter((old) => !objects.some((now) => pathOf(now) === pathOf(old)));
    await this.#apply(plan.namespace);
    for (const definition of plan.definitions) await this.#apply(definition);
    if (!dry) await this.#untilServed(plan.definitions);
    // What was begun can be taken away, even if it is never ended.
    await this.#record({ version, values: given, objects: [...left, ...objects] });
    for (const object of plan.objects) await this.#applyIn(namespace, object);
    for (const reference of left.toReversed()) if (!isLasting(reference)) await this.#remove(reference);
    await this.#record({ version, values: given, objects: [...left.filter(isLasting), ...objects] });
  }

  async #recordBefore(): Promise<InstallationRecord | undefined> {
    const { api, namespace } = this.#options;
    return readRecord(api, namespace);
  }

  async #record(record: InstallationRecord): Promise<void> {
    const { api, namespace, dry, force } = this.#options;
    if (!dry) await writeRecord(api, namespace, record, { dry, force });
  }

  async #apply(object: KubeObject): Promise<void> {
    const { api, dry, force, say } = this.#options;
    try {
      await say(`${titleOf(object)} ${await apply(api, object, { dry, force })}`);
    } catch (thrown) {
      throw explained(object, thrown);
    }
  }

  /** A namespace that is not there yet takes nothing, not even on trial. */
  async #applyIn(namespace: string, object: KubeObject): Promise<void> {
    const { api, dry, say } = this.#options;
    const isTried = !dry || object.metadata.namespace === undefined || (await this.#hasNamespace(api, namespace));
    if (isTried) await this.#apply(object);
    else await say(`${titleOf(object)} would be created (unchecked: there is no namespace ${namespace} yet)`);
  }

  async #hasNamespace(api: Api, name: string): Promise<boolean> {
    return (await find(api, { apiVersion: "v1", kind: "Namespace", metadata: { name } })) !== undefined;
  }

  async #remove(reference: Reference): Promise<void> {
    const { api, dry, say } = this.#options;
    const title = titleOf(reference);
    if (dry) await say(`${title} would be deleted`);
    else if (await remove(api, reference)) await say(`${title} deleted`);
  }

  async #untilServed(definitions: readonly KubeObject[]): Promise<void> {
    const { api, clock, say } = this.#options;
    const end = clock.monotonic() + servedMs;
    for (const definition of definitions)
      for (;;) {
        const found = await find(api, definition);
        if (isEstablished(found) && (await isServed(api, definition))) break;
        if (found !== undefined) requireNames(found);
        if (clock.monotonic() > end)
          throw new SluiceError("KUBE_FAILED", `${titleOf(definition)} is not served after ${servedMs / 1000} s`);
        await clock.sleep(100);
      }
    await say(`${definitions.length} kinds are served`);
  }
}

/** What a person can do about the usual refusals. */
function explained(object: KubeObject, thrown: unknown): unknown {
  if (!(thrown instanceof ApiError)) return thrown;
  const title = titleOf(object);
  if (isMissing(thrown) && object.kind === "ServiceMonitor")
    return new SluiceError(
      "USAGE",
      `${title}: the Prometheus Operator is not in this cluster; set serviceMonitor.enabled=false`,
      { cause: thrown },
    );
  const hint =
    thrown.reason === "Conflict"
      ? ". Somebody else set these fields; --force-conflicts takes them over"
      : thrown.reason === "Forbidden"
        ? ". Installing takes the rights of a cluster's administrator"
        : "";
  return new SluiceError("KUBE_FAILED", `${title}: ${thrown.message}${hint}`, { cause: thrown });
}

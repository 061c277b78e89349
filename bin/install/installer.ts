import type { Clock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { type Api, ApiError, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { apply, find, remove, type WriteOptions } from "./cluster.ts";
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
const atOnce = 8;

/** Brings a cluster to what a plan wants; what an earlier one had and this one has not, goes. */
export class Installer {
  readonly #options: InstallerOptions;

  constructor(options: InstallerOptions) {
    this.#options = options;
  }

  /** `given` are the values as they were given. Throws KUBE_FAILED. */
  async install(plan: Plan, given: unknown): Promise<void> {
    const { dry, version } = this.#options;
    const before = await this.#recordBefore();
    const objects = plan.objects.map(referenceTo);
    const left = (before?.objects ?? []).filter((old) => !objects.some((now) => pathOf(now) === pathOf(old)));
    await this.#applyAll([plan.namespace]);
    await this.#applyAll(plan.definitions);
    if (!dry) await this.#untilServed(plan.definitions);
    // What was begun can be taken away, even if it is never ended.
    await this.#record({ version, values: given, objects: [...left, ...objects] });
    await this.#applyAll(plan.objects);
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

  /** Some at a time, and told in their order. */
  async #applyAll(objects: readonly KubeObject[]): Promise<void> {
    for (let from = 0; from < objects.length; from += atOnce) {
      const lines = await Promise.all(objects.slice(from, from + atOnce).map((object) => this.#applied(object)));
      for (const line of lines) await this.#options.say(line);
    }
  }

  async #applied(object: KubeObject): Promise<string> {
    const { api, dry, force } = this.#options;
    try {
      return `${titleOf(object)} ${await apply(api, object, { dry, force })}`;
    } catch (thrown) {
      // What was only tried before is not there for what stands in it.
      if (!dry || !isMissing(thrown) || lacksOperator(object, thrown)) throw explained(object, thrown);
      return `${titleOf(object)} would be created (unchecked: its namespace or its kind is not there yet)`;
    }
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
  if (lacksOperator(object, thrown))
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

/** The kind itself is not there, which is another program's. */
function lacksOperator({ kind }: KubeObject, thrown: unknown): boolean {
  return kind === "ServiceMonitor" && isMissing(thrown) && /page not found/.test(messageOf(thrown));
}

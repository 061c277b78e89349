import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../core/atomic-file.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { kafka } from "./kafka.ts";
import { freePort, isAlive, memoryOf, stop } from "./processes.ts";
import { redis } from "./redis.ts";
import type { LocalService, ServiceName, ServiceUser, StartedService } from "./service.ts";

const known: Readonly<Record<ServiceName, LocalService>> = { kafka, elasticsearch, redis };
export const serviceNames = Object.keys(known) as readonly ServiceName[];

type State = Partial<Record<ServiceName, StartedService & { readonly port: number }>>;

export interface StartOptions {
  /** A free one by default; that of the last time if the data are kept. */
  readonly port?: number;
  /** Go on with the data of an earlier run. */
  readonly keep?: boolean;
  readonly settings?: readonly string[];
  readonly users?: readonly ServiceUser[];
}

/**
 * Services as processes of this machine that outlive this one. What runs stands in `folder`/state.json, addresses in `folder`/env; two
 * folders are two sets of services.
 */
export class LocalServices {
  readonly #folder: string;
  readonly #cache: string;

  constructor(folder: string, cache: string) {
    this.#folder = folder;
    this.#cache = cache;
  }

  /** What of this machine keeps a service from starting. */
  static lacks(name: ServiceName): string | undefined {
    return known[name].lacks();
  }

  /** Its variables; does nothing if it runs already. */
  async up(name: ServiceName, options: StartOptions = {}): Promise<Readonly<Record<string, string>>> {
    const before = this.#state()[name];
    if (before !== undefined && isAlive(before)) return before.env;
    const lacking = known[name].lacks();
    if (lacking !== undefined) throw new Error(`${name} cannot start here: ${lacking}`);
    const data = join(this.#folder, name);
    if (options.keep !== true) rmSync(data, { recursive: true, force: true });
    const port = options.port ?? (options.keep === true ? before?.port : undefined) ?? (await freePort());
    const { settings = [], users = [] } = options;
    const started = await known[name].start({ cache: this.#cache, data, port, settings, users });
    await this.#save({ ...this.#state(), [name]: { ...started, port } });
    return started.env;
  }

  /** Its data stay until it comes up without `keep`. */
  async down(name: ServiceName): Promise<void> {
    const running = this.#state()[name];
    if (running !== undefined) await stop(running);
  }

  /** Ends it at once, as a crash would. Resolves when it is gone, so that `up` starts another. */
  async kill(name: ServiceName): Promise<void> {
    const running = this.#state()[name];
    if (running !== undefined) await stop(running, "SIGKILL");
  }

  running(): readonly { readonly name: ServiceName; readonly started: StartedService; readonly mebibytes: number }[] {
    return serviceNames.flatMap((name) => {
      const started = this.#state()[name];
      return started !== undefined && isAlive(started) ? [{ name, started, mebibytes: memoryOf(started) }] : [];
    });
  }

  /** With their data. */
  async remove(): Promise<void> {
    for (const name of serviceNames) await this.down(name);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #state(): State {
    const file = join(this.#folder, "state.json");
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as State) : {};
  }

  async #save(state: State): Promise<void> {
    await replaceFile(join(this.#folder, "state.json"), JSON.stringify(state, null, 2));
    await replaceFile(join(this.#folder, "env"), envText(Object.values(state)));
  }
}

export function envText(services: readonly Pick<StartedService, "env">[]): string {
  return services.flatMap(({ env }) => Object.entries(env).map(([name, value]) => `${name}=${value}\n`)).join("");
}

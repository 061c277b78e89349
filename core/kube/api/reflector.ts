import type { Clock } from "../../clock.ts";
import type { Validate } from "../examine.ts";
import { type FaultListener, tellFaults } from "../fault-listener.ts";
import type { Change } from "../watch.ts";
import { type Api, ApiError, malformed } from "./api.ts";
import { eventsOf } from "./events.ts";
import type { Installations } from "./installations.ts";
import { listWith } from "./listing.ts";
import { type Difference, Mirror } from "./mirror.ts";
import type { Outage } from "./outage.ts";
import { type Pauses, pauseMs } from "./pauses.ts";
import { nameOf, pathOf, type Resource } from "./resource.ts";
import { isServed } from "./served.ts";

export interface ReflectorOptions extends FaultListener {
  readonly api: Api;
  readonly resource: Resource;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly outage: Outage;
  readonly installations: Installations;
  readonly validate?: Validate;
  /** A watch in which so long nothing comes is given up: on a link that lives bookmarks come each minute. */
  readonly idleMs?: number;
}

export type ReflectorState =
  /** Nothing is known yet. */
  | "begun"
  | "followed"
  /** The server has no such resource. */
  | "absent"
  /** We may not read it. */
  | "refused"
  /** No answer, or an error of the server. */
  | "failing";

export interface ReflectorStatus {
  readonly resource: string;
  readonly state: ReflectorState;
  readonly objects: number;
  /** When the server last said anything of it; null: it never did. */
  readonly heardAt: number | null;
  readonly lists: number;
  readonly failures: number;
}

/** Lasts from five to ten minutes, so that many watches do not end at once. */
const watchSeconds = 300;
/** A watch that lasted so long was a good one, even if it told nothing. */
const goodWatchMs = 1_000;
const failurePauses: Pauses = { firstMs: 250, maxMs: 10_000 };
const absencePauses: Pauses = { firstMs: 250, maxMs: 30_000 };
/** After so many answers in a row that are of no use what was asked for may be to blame: a version that this server never had. */
const failuresToForget = 3;

/**
 * All objects of one resource, then every change, from lists and watches that never end by themselves. The first batch holds all there is,
 * which is nothing where the resource is not there or, unless it is required, may not be read. What is known stays while the
 * server cannot be asked, or refuses to answer.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #name: string;
  readonly #mirror: Mirror;
  /** Up to which all is known; undefined: the next is a list. */
  #version: string | undefined;
  #state: ReflectorState = "begun";
  #isBegun = false;
  #heardAt: number | null = null;
  #lists = 0;
  #failures = 0;
  /** In a row. */
  #attempt = 0;
  #toldRefusal = "";

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#name = nameOf(options.resource);
    this.#mirror = new Mirror(options.resource, options.validate);
  }

  get status(): ReflectorStatus {
    return {
      resource: this.#name,
      state: this.#state,
      objects: this.#mirror.size,
      heardAt: this.#heardAt,
      lists: this.#lists,
      failures: this.#failures,
    };
  }

  async *watch(signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    for await (const changes of this.#batches(signal)) {
      if (this.#isBegun && changes.length === 0) continue;
      this.#isBegun = true;
      yield changes;
    }
  }

  /** Also empty ones. */
  async *#batches(signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    while (!signal.aborted) {
      const { count } = this.#options.installations;
      try {
        if (this.#version === undefined) yield await this.#list(signal);
        yield* this.#follow(signal);
      } catch (thrown) {
        if (signal.aborted) return;
        if (!(thrown instanceof ApiError)) throw thrown;
        const known = await this.#fail(thrown, signal);
        if (known !== undefined) yield known;
      }
      await this.#pause(count, signal);
    }
  }

  async #list(signal: AbortSignal): Promise<readonly Change[]> {
    const { items, version } = await listWith(this.#options.api, this.#options.resource, this.#mirror.listed, signal);
    const changes = this.#told(this.#mirror.replace(items));
    this.#version = version;
    this.#lists++;
    this.#succeed();
    return changes;
  }

  /** One watch, to its end. */
  async *#follow(signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    const { api, resource, clock, random, idleMs = 90_000 } = this.#options;
    const begun = clock.monotonic();
    const query = {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#version,
      timeoutSeconds: Math.round(watchSeconds * (1 + random())),
    };
    const answer = await api.open("GET", pathOf(resource), { query, idleMs, signal });
    this.#succeed();
    for await (const events of eventsOf(answer)) {
      const changes = this.#told(this.#mirror.take(events));
      this.#version = events.at(-1)?.version ?? this.#version;
      this.#succeed();
      this.#attempt = 0;
      yield changes;
    }
    if (clock.monotonic() - begun >= goodWatchMs) this.#attempt = 0;
  }

  #told({ changes, faults, mended }: Difference): readonly Change[] {
    tellFaults(this.#options, faults, mended);
    return changes;
  }

  #succeed(): void {
    this.#state = "followed";
    this.#heardAt = this.#options.clock.now();
    this.#toldRefusal = "";
    this.#options.outage.end(this.#name);
  }

  /** What is known after a failure, if it says anything about that. */
  async #fail(error: ApiError, signal: AbortSignal): Promise<readonly Change[] | undefined> {
    switch (error.status) {
      case 410:
        this.#version = undefined;
        return undefined;
      case 404:
        return (await this.#isGone(signal)) ? this.#miss() : this.#stay(error);
      case 401:
      case 403:
        return this.#obey(error);
      default:
        return this.#stay(error);
    }
  }

  /** A single 404 is not enough for policies to go: servers that start, or that learn of a kind after another one did, may give one. */
  async #isGone(signal: AbortSignal): Promise<boolean> {
    const { api, resource } = this.#options;
    return this.#mirror.size === 0 || !(await isServed(api, resource, signal));
  }

  #miss(): readonly Change[] {
    this.#version = undefined;
    if (this.#mirror.size > 0)
      this.#options.log.warn(
        { resource: this.#name },
        "the API server has this resource no more; its objects are gone",
      );
    this.#state = "absent";
    this.#options.outage.end(this.#name);
    return this.#told(this.#mirror.replace([]));
  }

  #obey({ message }: ApiError): readonly Change[] | undefined {
    const { resource, log, outage } = this.#options;
    this.#state = "refused";
    this.#failures++;
    outage.end(this.#name);
    if (message !== this.#toldRefusal)
      log.warn(
        { resource: this.#name, error: message },
        "the API server does not let us read this; grant list and watch",
      );
    this.#toldRefusal = message;
    return resource.isRequired ? undefined : [];
  }

  #stay({ message, status, reason }: ApiError): undefined {
    this.#state = "failing";
    this.#failures++;
    const isAway = status === 429 || status === 503 || (status === 0 && reason !== malformed);
    if (!isAway && this.#attempt + 1 >= failuresToForget) this.#version = undefined;
    // It is there and asks for patience, as for each kind in its first moments.
    if (status !== 429) this.#options.outage.begin(this.#name, message);
    return undefined;
  }

  /** `installations`: how many there were when it was asked last. */
  async #pause(installations: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const attempt = this.#attempt++;
    if (this.#state !== "absent" && this.#state !== "refused")
      return clock.sleep(pauseMs(attempt, failurePauses, random), signal);
    const ms = pauseMs(attempt, absencePauses, random);
    // A resource is served some 50 ms after its definition: so look again, and soon again.
    if (await this.#options.installations.since(installations, ms, clock, signal)) this.#attempt = 0;
  }
}

import { hash } from "node:crypto";
import { examine, type Validate } from "../examine.ts";
import type { ManifestFault } from "../manifest.ts";
import { type KubeObject, keyOf } from "../objects.ts";
import type { Change } from "../watch.ts";
import { ApiError, malformed } from "./api.ts";
import type { WatchEvent } from "./events.ts";
import type { Resource } from "./resource.ts";
import { slim } from "./slim.ts";

/** What is new, in the terms of `advance` of folder-state.ts. */
export interface Difference {
  readonly changes: readonly Change[];
  readonly faults: readonly ManifestFault[];
  readonly mended: readonly ManifestFault[];
}

interface Known {
  readonly uid: string;
  readonly digest: number;
  /** Consumers have it in some state; one that never was good they have not. */
  readonly isTold: boolean;
}

/**
 * What is known of the objects of one resource, and so what of a list or of events is new. The objects themselves are not kept: an
 * object that is refused keeps its last good state where it was told. Of one name but another uid it is another object.
 */
export class Mirror {
  readonly #resource: Resource;
  readonly #validate: Validate | undefined;
  /** By `namespace/name`. */
  readonly #known = new Map<string, Known>();
  readonly #faults = new Map<string, readonly ManifestFault[]>();

  constructor(resource: Resource, validate?: Validate) {
    this.#resource = resource;
    this.#validate = validate;
  }

  get size(): number {
    return this.#known.size;
  }

  /** These slim objects are all there are. Deletions come first. */
  replace(items: readonly unknown[]): Difference {
    const made = new Making();
    const objects = items.map((item) => this.#read(item));
    const there = new Set(objects.map(({ key }) => key));
    for (const key of [...this.#known.keys()]) if (!there.has(key)) this.#remove(key, made);
    for (const object of objects) this.#put(object, made);
    return made;
  }

  /** These happened, in that order. All of them are read before one counts: what throws has changed nothing. */
  take(events: readonly WatchEvent[]): Difference {
    const made = new Making();
    const happened = events.filter(({ type }) => type !== "BOOKMARK");
    const read = happened.map(({ type, object }) => ({ type, ...this.#read(slim(object, this.#resource.fields)) }));
    for (const object of read) {
      if (object.type === "DELETED") this.#remove(object.key, made, object.object);
      else this.#put(object, made);
    }
    return made;
  }

  /** Neither lists nor watches say of each object what it is. */
  #read(item: unknown): Read {
    const { apiVersion, kind } = this.#resource;
    const { object, problems } = examine({ ...(item as object), apiVersion, kind }, this.#validate);
    if (object === undefined)
      throw new ApiError(`${kind}: the API server told of an object without a name`, 0, malformed);
    const { namespace = "", name } = object.metadata;
    const faults = problems.map(({ field, message }) => ({
      ...{ file: keyOf(object), document: null, line: null },
      ...{ field, message },
    }));
    return { key: `${namespace}/${name}`, object, faults };
  }

  #put({ key, object, faults }: Read, made: Making): void {
    const { uid = "" } = object.metadata;
    const digest = digestOf(object);
    let before = this.#known.get(key);
    if (before !== undefined && before.uid !== uid) {
      this.#remove(key, made);
      before = undefined;
    }
    if (before?.digest === digest) return;
    const isGood = faults.length === 0;
    this.#known.set(key, { uid, digest, isTold: isGood || before?.isTold === true });
    if (isGood) made.changes.push({ type: "upsert", object });
    this.#judge(key, faults, made);
  }

  /** `last`: as it was in the end, if that is known. */
  #remove(key: string, made: Making, last?: KubeObject): void {
    const before = this.#known.get(key);
    if (before === undefined) return;
    this.#known.delete(key);
    if (before.isTold) made.changes.push({ type: "delete", object: last ?? this.#named(key, before.uid) });
    this.#judge(key, [], made);
  }

  #judge(key: string, faults: readonly ManifestFault[], made: Making): void {
    const former = this.#faults.get(key) ?? [];
    if (faults.length === 0) {
      made.mended.push(...former);
      this.#faults.delete(key);
      return;
    }
    const told = new Set(former.map(textOf));
    made.faults.push(...faults.filter((fault) => !told.has(textOf(fault))));
    this.#faults.set(key, faults);
  }

  #named(key: string, uid: string): KubeObject {
    const { apiVersion, kind } = this.#resource;
    const [namespace = "", name = ""] = key.split("/");
    const home = namespace === "" ? {} : { namespace };
    return { apiVersion, kind, metadata: { name, ...home, uid } };
  }
}

interface Read {
  readonly key: string;
  readonly object: KubeObject;
  readonly faults: readonly ManifestFault[];
}

class Making implements Difference {
  readonly changes: Change[] = [];
  readonly faults: ManifestFault[] = [];
  readonly mended: ManifestFault[] = [];
}

const textOf = ({ field, message }: ManifestFault) => JSON.stringify([field, message]);

/** Of what is kept of an object, but not of its version or who wrote it: most versions of a pod or node differ in nothing that is read. 48 bits. */
function digestOf(object: KubeObject): number {
  const ofServer = { resourceVersion: undefined, managedFields: undefined };
  const text = JSON.stringify({ ...object, metadata: { ...object.metadata, ...ofServer } });
  return hash("sha256", text, "buffer").readUIntBE(0, 6);
}

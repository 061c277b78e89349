import type { Validate } from "../examine.ts";
import type { ManifestFault } from "../manifest.ts";
import type { KubeObject } from "../objects.ts";
import type { Change } from "../watch.ts";
import type { WatchEvent } from "./events.ts";
import { type Item, itemOf } from "./item.ts";
import type { Resource } from "./resource.ts";

/** What is new, in the terms of `advance` of folder-state.ts. */
export interface Difference {
  readonly changes: readonly Change[];
  readonly faults: readonly ManifestFault[];
  readonly mended: readonly ManifestFault[];
}

/** An item of a list; of one that is as it was known its name says all. */
export type Listed = Item | Pick<Item, "key">;

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

  readonly listed = (value: unknown): Listed => {
    const item = itemOf(value, this.#resource, this.#validate);
    const { key, uid, digest } = item;
    const known = this.#known.get(key);
    return known?.uid === uid && known.digest === digest ? { key } : item;
  };

  /** These are all there are. Deletions come first. */
  replace(items: readonly Listed[]): Difference {
    const made = new Making();
    const there = new Set(items.map(({ key }) => key));
    for (const key of [...this.#known.keys()]) if (!there.has(key)) this.#remove(key, made);
    for (const item of items) if ("object" in item) this.#put(item, made);
    return made;
  }

  /** These happened, in that order. All of them are read before one counts: what throws has changed nothing. */
  take(events: readonly WatchEvent[]): Difference {
    const made = new Making();
    const happened = events.filter(({ type }) => type !== "BOOKMARK");
    const items = happened.map(({ type, object }) => ({ type, item: itemOf(object, this.#resource, this.#validate) }));
    for (const { type, item } of items) {
      if (type === "DELETED") this.#remove(item.key, made, item.object);
      else this.#put(item, made);
    }
    return made;
  }

  #put({ key, uid, digest, object, faults }: Item, made: Making): void {
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

class Making implements Difference {
  readonly changes: Change[] = [];
  readonly faults: ManifestFault[] = [];
  readonly mended: ManifestFault[] = [];
}

const textOf = ({ field, message }: ManifestFault) => JSON.stringify([field, message]);

import type { TableEvent } from "./table-event.ts";

/**
 * Which rule of ours has which handle. The kernel tells handles when we add rules, in the order in which we add them; with
 * that, the handle of a rule that somebody deletes says which one it was. A rule that others took away keeps its place until
 * the chain is written anew.
 */
export class RulePlaces {
  /** By chain, then by handle, in order: whether it is still there. */
  readonly #chains = new Map<string, Map<number, boolean>>();

  /** Changes of our own. */
  follow(events: readonly TableEvent[]): void {
    for (const event of events)
      if (event.what === "rule") this.#followRule(event.chain, event.handle, event.gone);
      else if (event.what === "chain") this.#chains.delete(event.name);
      else if (event.what === "table") this.#chains.clear();
  }

  /** Number from 0 of the rule in its chain as we wrote it; undefined if it is none of ours. */
  placeOf(chain: string, handle: number): number | undefined {
    const place = [...(this.#chains.get(chain)?.keys() ?? [])].indexOf(handle);
    return place < 0 ? undefined : place;
  }

  /** What others did, once it has been looked up. */
  takeAway(events: readonly TableEvent[]): void {
    for (const event of events)
      if (event.what === "rule" && event.gone) {
        const handles = this.#chains.get(event.chain);
        if (handles?.has(event.handle)) handles.set(event.handle, false);
      }
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#chains.clear();
  }

  #followRule(chain: string, handle: number, gone: boolean): void {
    const handles = this.#chains.get(chain);
    if (gone) handles?.delete(handle);
    else if (handles === undefined || isEmptied(handles)) this.#chains.set(chain, new Map([[handle, true]]));
    else handles.set(handle, true);
  }
}

function isEmptied(handles: ReadonlyMap<number, boolean>): boolean {
  for (const isThere of handles.values()) if (isThere) return false;
  return true;
}

// An end that found no room is told again by the kernel, which keeps the entry until then: in a table that fills up, that would cost
// new connections their place. Between the two it stays as it is.
const giveUpAt = 0.9;
const takeUpAt = 0.7;

/** Whether the kernel tells of ends until they are heard (NETLINK_BROADCAST_ERROR; netlink(7)), by how full its table is. */
export class ReliableEnds {
  readonly #set: (on: boolean) => void;
  #on = false;

  constructor(set: (on: boolean) => void) {
    this.#set = set;
  }

  /** `fill`: of the table, from 0 to 1. What holds from now on, if that changed. */
  tend(fill: number): boolean | undefined {
    const on = this.#on ? fill < giveUpAt : fill < takeUpAt;
    if (on === this.#on) return undefined;
    this.#on = on;
    this.#set(on);
    return on;
  }
}

import { elementCounts } from "./load-parts.ts";
import { elementCount } from "./packed-transaction.ts";
import { type Command, isReplacement, type Name, type SetHeader, type Transaction } from "./ruleset.ts";

export interface Plan {
  /** Makes more room for what is there, in a transaction before. */
  readonly growth: Transaction;
  readonly transaction: Transaction;
  /** To be called when it was carried out. */
  readonly done: () => void;
}

interface Room {
  readonly header: SetHeader;
  readonly size: number;
  readonly count: number;
}

/** A set that begins with fewer is not worth it, and one that begins small may become very much larger. */
const leastElements = 32;
/** Of what is there. */
const spare = 2;

/**
 * Has the kernel make sets with a table of the right length to begin with (net/netfilter/nft_set_hash.c, nft_hash): one that makes room
 * as it goes (nft_rhash) is sorted anew again and again while it is filled, which takes as long as all the rest, and while that goes on
 * a listing may lack elements. Such a set takes no more than its size; a larger size can be told later, and then the table's length
 * stays and rows become longer. Kernels before 6.6 take no other size: they refuse what is too much, and everything is made anew.
 */
export class SetRooms {
  #rooms: ReadonlyMap<Name, Room> = new Map();

  /** Something else may have made the sets. */
  forget(): void {
    this.#rooms = new Map();
  }

  plan(transaction: Transaction): Plan {
    const rooms = new Map(isReplacement(transaction) ? [] : this.#rooms);
    const fresh = elementCounts(transaction);
    const grown = new Map<Name, SetHeader>();
    return {
      transaction: transaction.map((command) => withRoom(rooms, grown, fresh, command)),
      growth: [...grown.values()].map((set): Command => ({ verb: "add-set", set })),
      done: () => {
        this.#rooms = rooms;
      },
    };
  }

  /** The same for what comes in parts and makes everything anew, of sets that begin with so many elements. */
  planAnew(
    fresh: ReadonlyMap<Name, number>,
  ): Pick<Plan, "done"> & { readonly part: (commands: Transaction) => Transaction } {
    const rooms = new Map<Name, Room>();
    return {
      part: (commands) => commands.map((command) => withRoom(rooms, new Map(), fresh, command)),
      done: () => {
        this.#rooms = rooms;
      },
    };
  }
}

function withRoom(
  rooms: Map<Name, Room>,
  grown: Map<Name, SetHeader>,
  fresh: ReadonlyMap<Name, number>,
  command: Command,
): Command {
  if (command.verb === "add-set") return declared(rooms, command.set, fresh.get(command.set.name) ?? 0);
  if (command.verb === "delete-set") rooms.delete(command.name);
  if (command.verb === "add-elements") grow(rooms, grown, command.set, elementCount(command));
  if (command.verb === "delete-elements") grow(rooms, grown, command.set, -elementCount(command));
  return command;
}

function declared(rooms: Map<Name, Room>, header: SetHeader, count: number): Command {
  if (header.flag !== null || count < leastElements) return { verb: "add-set", set: header };
  const size = spare * count;
  rooms.set(header.name, { header, size, count: 0 });
  return { verb: "add-set", set: { ...header, size } };
}

function grow(rooms: Map<Name, Room>, grown: Map<Name, SetHeader>, name: Name, by: number): void {
  const room = rooms.get(name);
  if (room === undefined) return;
  const count = room.count + by;
  const size = count > room.size ? spare * count : room.size;
  if (size !== room.size) grown.set(name, { ...room.header, size });
  rooms.set(name, { ...room, count, size });
}

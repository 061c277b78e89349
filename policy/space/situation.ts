import type { Members, Placement } from "../placement.ts";
import type { Instruction, Program, SetId } from "../program.ts";

/** Everything that decides packets at one time. */
export interface Situation {
  readonly program: Program;
  readonly placement: Placement;
}

/** The members of a set of the Program. */
export function membersOf({ placement, program }: Situation, id: SetId): Members {
  const members = placement.members.get(id);
  if (members === undefined)
    throw new Error(`the placement has no members of set ${id} of program ${program.revision}`);
  return members;
}

/** May say no of equal members in another order, never yes of different ones. */
export function sameMembers(a: Members, b: Members): boolean {
  return (
    a === b ||
    (sameList(a.addresses, b.addresses, (x, y) => x === y) &&
      sameList(a.cidrs, b.cidrs, (x, y) => x.text === y.text) &&
      sameList(a.ports, b.ports, (x, y) => x.address === y.address && x.protocol === y.protocol && x.port === y.port))
  );
}

/** Whether two lists are of the same rules and do the same with every packet, as far as that shows without knowing the members of sets. */
export function sameInstructions(a: readonly Instruction[], b: readonly Instruction[]): boolean {
  return (
    a === b ||
    sameList(
      a,
      b,
      (x, y) => x.id === y.id && x.verdict === y.verdict && JSON.stringify(x.when) === JSON.stringify(y.when),
    )
  );
}

function sameList<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
  return a === b || (a.length === b.length && a.every((item, at) => same(item, b[at] as T)));
}

/**
 * The same list without the room that one has which was put together piece by piece: 16 places for each that is kept for long, eight
 * bytes a place.
 */
export function exact<T>(list: readonly T[]): readonly T[] {
  return list.slice();
}

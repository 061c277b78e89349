/** Numbers from 0 to 1, seeded, so that a failure comes again: Park and Miller's minimal standard generator. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

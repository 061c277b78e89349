/** How long somebody waits for what may take long: asked now and then whether to go on. */
export interface Patience {
  /** Throws `OutOfPatience` if there is no going on. To be called often: most calls cost next to nothing. */
  check(): void;
  /** The same, before what takes long by itself. */
  checkNow(): void;
}

export class OutOfPatience extends Error {}

/** So many steps of the innermost loop take a millisecond or a few. */
const stepsBetween = 4_096;

export function patienceOf(goOn: () => boolean): Patience {
  let steps = 0;
  const checkNow = () => {
    if (!goOn()) throw new OutOfPatience("it takes too long");
  };
  return {
    checkNow,
    check() {
      steps += 1;
      if (steps % stepsBetween === 0) checkNow();
    },
  };
}

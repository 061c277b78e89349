// pattern => (any character | "*" some or no characters | "?" one character)*, no escapes, case counts

export const isPattern = (text: string): boolean => /[*?]/.test(text);

/** Whether the whole text is like the pattern. Takes time of pattern × text at most, whatever both are. */
export function matchesPattern(pattern: string, text: string): boolean {
  const [wanted, given] = [[...pattern], [...text]];
  let [p, t] = [0, 0];
  // Where to go on if what follows the last star fails: one more character belongs to the star.
  let [star, resume] = [-1, 0];
  while (t < given.length) {
    if (wanted[p] === "*") [star, resume, p] = [p, t, p + 1];
    else if (wanted[p] === "?" || (p < wanted.length && wanted[p] === given[t])) [p, t] = [p + 1, t + 1];
    else if (star >= 0) [p, t, resume] = [star + 1, resume + 1, resume + 1];
    else return false;
  }
  return wanted.slice(p).every((char) => char === "*");
}

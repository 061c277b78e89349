import { compareRules, type ListingDifference } from "../enforcer/listing-diff.ts";

/** A difference as people think of it: chains are named after their content, so one that changed is one that comes and one that goes. */
export interface ToldDifference extends ListingDifference {
  /** The chain in the place of which this one comes. */
  readonly insteadOf: string | null;
}

/** Of what two chains have in common at least this share of the shorter one makes them one that changed. */
const alike = 0.3;

/** Puts chains that come and chains that go together, each with the one that it has most in common with. */
export function withPairs(differences: readonly ListingDifference[]): readonly ToldDifference[] {
  const going = new Set(differences.filter((each) => isChain(each) && each.what === "foreign"));
  const told = differences.flatMap((difference): readonly ToldDifference[] => {
    if (!isChain(difference) || difference.what !== "missing") return [{ ...difference, insteadOf: null }];
    const before = mostAlike(difference, going);
    if (before === undefined) return [{ ...difference, insteadOf: null }];
    going.delete(before);
    const lines = compareRules(wordsOf(difference), wordsOf(before));
    return [{ ...difference, what: "changed", lines, insteadOf: before.key.slice(chain.length) }];
  });
  return told.filter(
    (each) => !isChain(each) || each.what !== "foreign" || [...going].some(({ key }) => key === each.key),
  );
}

const chain = "chain ";
const isChain = ({ key }: ListingDifference) => key.startsWith(chain);
const wordsOf = ({ lines }: ListingDifference) => lines.map(({ words }) => words);
/** `block`, `stage`, `class`, `log` */
const kindOf = ({ key }: ListingDifference) => key.slice(chain.length).replace(/_[0-9a-f]+$/, "");

function mostAlike(wanted: ListingDifference, going: ReadonlySet<ListingDifference>): ListingDifference | undefined {
  const own = new Set(wordsOf(wanted).map(withoutNames));
  let [best, most]: [ListingDifference | undefined, number] = [undefined, alike];
  for (const other of going) {
    if (kindOf(other) !== kindOf(wanted)) continue;
    const common = wordsOf(other).filter((words) => own.has(withoutNames(words))).length;
    const share = common / Math.max(1, Math.min(other.lines.length, wanted.lines.length));
    if (share > most) [best, most] = [other, share];
  }
  return best;
}

/** A chain that leads to another name because that one's content changed is still the same. */
const withoutNames = (words: string) => words.replace(/\b(block|stage|class|log)_[0-9a-f]{16}\b/g, "$1");

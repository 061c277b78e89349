import { contentDigest } from "../../core/kube/content-digest.ts";
import type { Deed } from "../../core/kube/deed.ts";
import { type Evidence, noEvidence, type Sighting } from "./sighting.ts";

/** How far the clocks of the API servers and ours may be apart. */
export const skewMs = 5_000;

type Found = Omit<Evidence, "cause">;

/** Who did what was seen, among what was done to the object, and to many objects at once of which it may be one. */
export function findEvidence(sighting: Sighting, deeds: readonly Deed[], collections: readonly Deed[]): Evidence {
  const done = deeds.filter(({ refusal }) => refusal === null).sort((a, b) => a.to - b.to);
  const bulk = sighting.verb === "delete" ? collections.filter(({ refusal }) => refusal === null) : [];
  const found = exactly(sighting, done) ?? byContent(sighting, done) ?? byTime(sighting, [...done, ...bulk]);
  return found === undefined ? noEvidence : { ...noEvidence, ...found };
}

/**
 * Of several with one resourceVersion the first made it: whoever then asks for what is there already is answered with it too. What
 * waits for finalizers is deleted by who asked for it, not by who removes the last of them.
 */
function exactly({ target, verb, resourceVersion }: Sighting, done: readonly Deed[]): Found | undefined {
  const same = done.filter((deed) => {
    if (deed.toldBy !== "audit" || deed.target.uid === null || deed.target.uid !== target.uid) return false;
    if (verb === "delete") return deed.verb === "delete" && deed.target.subresource === null;
    return deed.target.resourceVersion !== null && deed.target.resourceVersion === resourceVersion;
  });
  // Of those that were at work when the first was answered, any may have been first.
  const [first] = same;
  return soleDoer("exact", first === undefined ? [] : same.filter(({ from }) => from <= first.to), first);
}

/** What admission told of was about to be done. */
function byContent({ target, verb, after }: Sighting, done: readonly Deed[]): Found | undefined {
  const told = done.filter(({ content, target: { uid } }) => content !== null && (uid === null || uid === target.uid));
  if (verb === "delete" || after === null || told.length === 0) return undefined;
  const content = contentDigest(after);
  return soleDoer(
    "likely",
    told.filter((deed) => deed.content === content),
  );
}

/** What is told without saying what became of the object: of no body (level Metadata, or cut), or before it was stored. */
function byTime({ target, verb, since, foundAt }: Sighting, done: readonly Deed[]): Found | undefined {
  const isMeant = (deed: Deed) =>
    (deed.target.uid === null || deed.target.uid === target.uid) &&
    deed.target.resourceVersion === null &&
    (deed.verb === "delete") === (verb === "delete") &&
    deed.to >= since - skewMs &&
    deed.to <= foundAt + skewMs;
  return soleDoer("likely", done.filter(isMeant));
}

/** By default the last of them. */
function soleDoer(certainty: "exact" | "likely", deeds: readonly Deed[], deed = deeds.at(-1)): Found | undefined {
  if (deed === undefined) return undefined;
  const isSole = deeds.every(({ who }) => who.user === deed.who.user && who.impersonated === deed.who.impersonated);
  return isSole ? { certainty, deed, also: [] } : { certainty: "ambiguous", deed: null, also: deeds };
}

/**
 * How changed policies come into force: held back where a guarded path would close, on canary nodes first, and returned from unless
 * somebody confirms them. Pure: `(state, event, now) -> state and what is to be told`. Programs are named by their revisions.
 *
 *   offered -> held (a path would close) -> accepted -+
 *      |                                              |
 *      +---> canary nodes ------> everywhere <--------+
 *                |                    |     +--> confirmed, by somebody or because nobody need
 *                +-> trouble: held    +--------> nobody confirmed: held
 *
 * What is held is in force nowhere; it is the newest that the policies say, so it is gone as soon as they say something else.
 */
export interface Rollout {
  /** What all nodes return to. Null before the first program. */
  readonly confirmed: string | null;
  /** What is on its way to be confirmed. */
  readonly trial: Trial | null;
  readonly held: Held | null;
}

export interface Trial {
  readonly revision: string;
  readonly where: "canaries" | "everywhere";
  /** From when on it was there, milliseconds since the epoch. */
  readonly since: number;
}

export interface Held {
  readonly revision: string;
  readonly because: "closes" | "trouble" | "unconfirmed";
  /** Paths that would close, or what the trouble was. */
  readonly details: readonly string[];
}

export interface RolloutSettings {
  readonly canaryNodes: readonly string[];
  readonly canaryMs: number;
  readonly confirmMs: number;
}

export type RolloutEvent =
  /** The policies say this now. `closes`: guarded paths that it closes, in words. */
  | { readonly event: "offered"; readonly revision: string; readonly closes: readonly string[] }
  /** Somebody wants what is held in force nevertheless. */
  | { readonly event: "accepted"; readonly revision: string }
  | { readonly event: "confirmed"; readonly revision: string }
  /** A node reports that it cannot carry it out, or does otherwise than it should. */
  | { readonly event: "trouble"; readonly node: string; readonly revision: string; readonly what: string }
  | { readonly event: "time" };

/** What is worth telling. `alert` is for people who are not looking. */
export interface News {
  readonly level: "info" | "alert";
  readonly sentence: string;
}

export interface Step {
  readonly rollout: Rollout;
  readonly news: readonly News[];
}

export const noRollout: Rollout = { confirmed: null, trial: null, held: null };

/** The one program that a node is to enforce; null before the first. */
export function revisionOn(
  node: string,
  { confirmed, trial }: Rollout,
  { canaryNodes }: RolloutSettings,
): string | null {
  if (trial === null) return confirmed;
  return trial.where === "everywhere" || canaryNodes.includes(node) ? trial.revision : confirmed;
}

/** What most nodes enforce: what a change is compared with. */
export function revisionInForce({ confirmed, trial }: Rollout): string | null {
  return trial?.where === "everywhere" ? trial.revision : confirmed;
}

export function step(rollout: Rollout, event: RolloutEvent, settings: RolloutSettings, now: number): Step {
  switch (event.event) {
    case "offered":
      return offered(rollout, event, settings, now);
    case "accepted":
      if (rollout.held?.revision !== event.revision) return { rollout, news: [] };
      return begun(rollout, event.revision, settings, now);
    case "confirmed":
      return confirmed(rollout, event.revision);
    case "trouble": {
      if (rollout.trial?.revision !== event.revision || rollout.confirmed === null) return { rollout, news: [] };
      return returned(rollout, "trouble", [`node ${event.node}: ${event.what}`]);
    }
    case "time":
      return later(rollout, settings, now);
  }
}

/** When something happens by itself, milliseconds since the epoch. */
export function nextAt({ trial }: Rollout, { canaryMs, confirmMs }: RolloutSettings): number | undefined {
  if (trial === null) return undefined;
  return trial.since + (trial.where === "canaries" ? canaryMs : confirmMs);
}

type Offered = Extract<RolloutEvent, { event: "offered" }>;

function offered(rollout: Rollout, { revision, closes }: Offered, settings: RolloutSettings, now: number): Step {
  const { trial, held } = rollout;
  if (revision === (trial?.revision ?? rollout.confirmed)) return { rollout: { ...rollout, held: null }, news: [] };
  // Somebody or something said no to it; that stands until the policies change.
  if (held?.revision === revision && held.because !== "closes") return { rollout, news: [] };
  // What is confirmed is where everything returns to anyway.
  if (closes.length === 0 || revision === rollout.confirmed) return begun(rollout, revision, settings, now);
  const isKnown = held?.revision === revision && held.details.join("\n") === closes.join("\n");
  return {
    rollout: { ...rollout, held: { revision, because: "closes", details: closes } },
    news: isKnown
      ? []
      : [alert(`policies ${revision} are held, the last good rules stay: they would close ${closes.join("; ")}`)],
  };
}

function begun({ confirmed }: Rollout, revision: string, settings: RolloutSettings, now: number): Step {
  // The first there is has nothing to return to, and what is confirmed already needs no trial.
  if (confirmed === null || confirmed === revision) return settled(revision);
  const canaries = settings.canaryNodes.length > 0 && settings.canaryMs > 0;
  if (!canaries) return everywhere(confirmed, revision, settings, now);
  const sentence = `policies ${revision} are in force on ${settings.canaryNodes.join(", ")}, elsewhere in ${seconds(settings.canaryMs)}`;
  return {
    rollout: { confirmed, trial: { revision, where: "canaries", since: now }, held: null },
    news: [info(sentence)],
  };
}

function everywhere(confirmed: string, revision: string, { confirmMs }: RolloutSettings, now: number): Step {
  if (confirmMs === 0) return settled(revision);
  const sentence = `policies ${revision} are in force for ${seconds(confirmMs)}, unless confirmed: sluice enforce confirm ${revision}`;
  return {
    rollout: { confirmed, trial: { revision, where: "everywhere", since: now }, held: null },
    news: [info(sentence)],
  };
}

function settled(revision: string): Step {
  return { rollout: { confirmed: revision, trial: null, held: null }, news: [] };
}

function confirmed(rollout: Rollout, revision: string): Step {
  if (rollout.trial?.revision !== revision) return { rollout, news: [] };
  // What is held meanwhile stays so.
  return {
    rollout: { ...settled(revision).rollout, held: rollout.held },
    news: [info(`policies ${revision} are confirmed`)],
  };
}

function later(rollout: Rollout, settings: RolloutSettings, now: number): Step {
  const { trial, confirmed, held } = rollout;
  const at = nextAt(rollout, settings);
  if (trial === null || confirmed === null || at === undefined || now < at) return { rollout, news: [] };
  if (trial.where === "everywhere")
    return returned(rollout, "unconfirmed", [`nobody confirmed them within ${seconds(settings.confirmMs)}`]);
  const next = everywhere(confirmed, trial.revision, settings, now);
  return { ...next, rollout: { ...next.rollout, held } };
}

function returned({ confirmed, trial, held }: Rollout, because: Held["because"], details: readonly string[]): Step {
  const revision = trial?.revision ?? "";
  return {
    // If the policies have changed meanwhile, and that is held, it is what they say.
    rollout: { confirmed, trial: null, held: held ?? { revision, because, details } },
    news: [alert(`policies ${revision} are withdrawn, ${confirmed} are in force again: ${details.join("; ")}`)],
  };
}

const info = (sentence: string): News => ({ level: "info", sentence });
const alert = (sentence: string): News => ({ level: "alert", sentence });
const seconds = (ms: number): string => `${ms / 1000} s`;

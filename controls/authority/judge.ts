import type { Deed } from "../../core/kube/deed.ts";
import type { Allowance, ChangePolicy, ChangeScope, Ticket } from "../../policy/kinds/change-policy.ts";
import { isOpen, windowText } from "../../policy/kinds/change-window.ts";
import { fitsPattern } from "../../policy/taxonomy/pattern.ts";
import { whoText } from "../who-text.ts";
import { type Approving, approvedBy, approving } from "./approval.ts";
import { type JudgedChange, type Judgement, type Reason, type ReasonCode, reason } from "./judged.ts";
import type { PastChange } from "./past.ts";
import { isAmong } from "./people.ts";

/** The ChangePolicies there are. One that cannot be read allows nothing: nobody knows what it is about. */
export interface ChangePolicies {
  readonly readable: readonly ChangePolicy[];
  /** Names. */
  readonly unreadable: readonly string[];
}

/**
 * Whether a change was authorised: every policy that is about it, or about the tier that it left, must allow it, in one of the ways that it
 * names, or as an approval that it asks for. Whoever is not known is allowed nothing. `past` are the earlier changes of that object.
 */
export function judge(
  change: JudgedChange,
  { readable, unreadable }: ChangePolicies,
  past: readonly PastChange[],
): Judgement {
  if (change.refused) return no([reason("refused", "the API server refused it")]);
  const concerned = readable.filter(({ appliesTo }) => isAbout(appliesTo, change));
  if (unreadable.length > 0)
    return no(unreadable.map((name) => reason("unreadablePolicy", `ChangePolicy ${name} cannot be read`)));
  if (concerned.length === 0)
    return { authorised: "unknown", reasons: [reason("noPolicy", "no ChangePolicy is about it")], approves: null };
  const doers = doersOf(change);
  if (doers === undefined) return no([reason("unknownActor", unknownText(change))]);
  const approval = approving(change, doers, concerned, past);
  const found = concerned.map((policy) => underPolicy(policy, { change, doers, past, approval }));
  const against = found.filter(({ isAllowed }) => !isAllowed);
  if (against.length > 0) return no(against.flatMap(({ reasons }) => reasons));
  if (approval !== undefined) return { authorised: "yes", reasons: [approval.reason], approves: approval.approves };
  return { authorised: "yes", reasons: found.flatMap(({ reasons }) => reasons), approves: null };
}

function isAbout(scopes: readonly ChangeScope[], change: JudgedChange): boolean {
  const among = (list: readonly string[], values: readonly (string | null)[]) =>
    list.length === 0 || values.some((value) => value !== null && list.includes(value));
  const namespace = change.kind === "Namespace" ? change.name : change.namespace;
  return (
    scopes.length === 0 ||
    scopes.some(
      ({ kinds, tiers, namespaces }) =>
        among(kinds, [change.kind]) && among(tiers, change.tiers) && among(namespaces, [namespace]),
    )
  );
}

/** All who had a hand in it; undefined if somebody is not known. */
function doersOf({ evidence: { deed, also } }: JudgedChange): readonly Deed[] | undefined {
  return deed === null ? undefined : [...also, deed];
}

function unknownText({ evidence: { certainty } }: JudgedChange): string {
  return certainty === "ambiguous"
    ? "several may have done it, and which of them is not known"
    : "nobody told who did it";
}

interface Outcome {
  readonly isAllowed: boolean;
  readonly reasons: readonly Reason[];
}

/** All that a policy is asked about. */
interface Question {
  readonly change: JudgedChange;
  readonly doers: readonly Deed[];
  readonly past: readonly PastChange[];
  /** Undefined: it is more than an approval. */
  readonly approval: Approving | undefined;
}

function underPolicy(policy: ChangePolicy, { change, doers, past, approval }: Question): Outcome {
  const named = (code: ReasonCode, text: string) => reason(code, `ChangePolicy ${policy.name}: ${text}`);
  const times = doers.map(({ from }) => from);
  const freeze = policy.freezes.find(({ from, to }) => times.some((ms) => from <= ms && ms < to));
  if (freeze !== undefined)
    return {
      isAllowed: false,
      reasons: [named("freeze", freeze.reason === "" ? "changes are frozen" : freeze.reason)],
    };
  // By those policies that asked for it; the others judge it as any change.
  if (approval !== undefined && policy.allow.some((way) => way.approval !== null && approval.meant.has(way.approval)))
    return { isAllowed: true, reasons: [approval.reason] };
  const ways = policy.allow.map((allowance) => underAllowance(allowance, change, doers, past));
  const allowing = ways.find(({ isAllowed }) => isAllowed);
  // Of several ways that do not lead there, the closest says best what was missing.
  const { reasons } =
    allowing ??
    (ways.toSorted((a, b) => a.reasons.length - b.reasons.length || closeness(b) - closeness(a))[0] as Outcome);
  return { isAllowed: allowing !== undefined, reasons: reasons.map(({ code, text }) => named(code, text)) };
}

/** A way that is not even meant for who did it is far off. */
function closeness({ reasons }: Outcome): number {
  return reasons.some(({ code }) => code === "actor") ? 0 : 1;
}

function underAllowance(
  { actors, windows, ticket, approval }: Allowance,
  change: JudgedChange,
  doers: readonly Deed[],
  past: readonly PastChange[],
): Outcome {
  const stranger = doers.find(({ who }) => actors !== null && !isAmong(actors, who));
  const isOutside = doers.some(({ from }) => windows.length > 0 && !windows.some((window) => isOpen(window, from)));
  const against = [
    ...(stranger === undefined ? [] : [reason("actor", `${whoText(stranger.who)} is not among its actors`)]),
    ...(isOutside ? [reason("window", `outside of its windows: ${windows.map(windowText).join(", ")}`)] : []),
    ...(ticket === null ? [] : ticketFaults(ticket, change)),
    ...(approval === null || approvedBy(approval, change, doers, past)
      ? []
      : [reason("approval", `nobody else has approved it (annotation ${approval.annotation})`)]),
  ];
  const isAllowed = against.length === 0;
  return {
    isAllowed,
    reasons: isAllowed ? [reason("allowed", `allowed to ${doers.map(({ who }) => whoText(who)).join(", ")}`)] : against,
  };
}

/** Of what is deleted the annotation counts that it had. */
function ticketFaults({ annotation, pattern, fresh }: Ticket, { before, after }: JudgedChange): readonly Reason[] {
  const now = after ?? before ?? {};
  const value = Object.hasOwn(now, annotation) ? now[annotation] : undefined;
  if (value === undefined) return [reason("ticket", `annotation ${annotation} is missing`)];
  if (!fitsPattern(pattern, value)) return [reason("ticket", `annotation ${annotation} is not like ${pattern.text}`)];
  const isStale =
    fresh && before !== null && after !== null && Object.hasOwn(before, annotation) && before[annotation] === value;
  return isStale ? [reason("ticket", `annotation ${annotation} is that of an earlier change`)] : [];
}

function no(reasons: readonly Reason[]): Judgement {
  return { authorised: "no", reasons, approves: null };
}

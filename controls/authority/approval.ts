import type { Deed } from "../../core/kube/deed.ts";
import type { Approval, ChangePolicy } from "../../policy/kinds/change-policy.ts";
import { whoText } from "../who-text.ts";
import { type JudgedChange, type Reason, reason } from "./judged.ts";
import { type PastChange, setBy } from "./past.ts";
import { isAmong } from "./people.ts";

// Four eyes: somebody else sets an annotation of the object, before the change or after it. It counts once, for the change next to it: what
// approves and changes at once approves nothing.

/** Whether somebody else has approved it before. */
export function approvedBy(
  { annotation, approvers, withinMs }: Approval,
  { before, after }: JudgedChange,
  doers: readonly Deed[],
  past: readonly PastChange[],
): boolean {
  const value = annotationIn(before, annotation);
  if (value === undefined || (after !== null && annotationIn(after, annotation) !== value)) return false;
  const fresh = past.slice(past.findLastIndex(({ touchesContent }) => touchesContent) + 1);
  return fresh.some(
    ({ user, groups, set, at }) =>
      user !== null &&
      annotationIn(set, annotation) === value &&
      doers.every(({ who, from }) => who.user !== user && who.impersonated !== user && from - at <= withinMs) &&
      (approvers === null || isAmong(approvers, { user, groups })),
  );
}

/** What a change is that does nothing but approve. */
export interface Approving {
  /** As which of the approvals that policies ask for. */
  readonly meant: ReadonlySet<Approval>;
  readonly reason: Reason;
  /** The earlier change that it approves. */
  readonly approves: string | null;
}

/** Of a change that does nothing but approve, by somebody who may; undefined of any other. */
export function approving(
  change: JudgedChange,
  doers: readonly Deed[],
  policies: readonly ChangePolicy[],
  past: readonly PastChange[],
): Approving | undefined {
  const approvals = policies.flatMap(({ allow }) =>
    allow.flatMap(({ approval }) => (approval === null ? [] : [approval])),
  );
  const [first] = doers;
  const { before, after, touchesContent } = change;
  if (touchesContent || before === null || after === null || first === undefined) return undefined;
  const set = Object.keys(setBy(change));
  const removed = Object.keys(before).filter((key) => annotationIn(after, key) === undefined);
  if (set.length === 0 || removed.length > 0) return undefined;
  const isEntitled = ({ approvers }: Approval) =>
    doers.every(({ who }) => who.user === first.who.user && (approvers === null || isAmong(approvers, who)));
  const meant = approvals.filter((approval) => set.includes(approval.annotation) && isEntitled(approval));
  if (!set.every((key) => meant.some(({ annotation }) => annotation === key))) return undefined;
  const approved = earlierOne(first, meant, past);
  const what = approved === undefined ? "what comes next" : `change ${approved.id} of ${approved.user ?? "somebody"}`;
  return {
    meant: new Set(meant),
    reason: reason("approves", `${whoText(first.who)} approves ${what}`),
    approves: approved?.id ?? null,
  };
}

/** The last change, if it was somebody else's and nothing but an approval was missing. */
function earlierOne(
  { who, to }: Deed,
  approvals: readonly Approval[],
  past: readonly PastChange[],
): PastChange | undefined {
  const last = past.findLast(({ touchesContent }) => touchesContent);
  if (last === undefined || last.user === null || !last.lacksOnlyApproval) return undefined;
  const isOther = last.user !== who.user && last.user !== who.impersonated;
  return isOther && approvals.some(({ withinMs }) => to - last.at <= withinMs) ? last : undefined;
}

function annotationIn(annotations: JudgedChange["before"], key: string): string | undefined {
  const value = annotations !== null && Object.hasOwn(annotations, key) ? annotations[key] : undefined;
  return value === "" ? undefined : value;
}

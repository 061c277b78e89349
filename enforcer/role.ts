// Where the lists of an endpoint are asked, by the table in policy/route.ts: which lists see which traffic, and in what order.
//
//   hook         priority      pods            hosts
//   all below    p-1           what is staged: staged.ts, staged-hosts.ts
//   prerouting   raw -300                      untracked, of what comes in
//   output       raw -300                      untracked, of what processes send
//   prerouting   mangle -150                   preDnat
//   input        p, p+1        egress          normal, of what comes to processes
//                p+1           toOwnNode, before that
//   forward      p … p+3       egress          forward where it came in
//                              ingress         forward where it goes out
//   output       p+1           ingress
//   postrouting  p                             normal, of what processes send: after DNAT in output, when the interface is known for sure
import type { Direction, PolicyList } from "../policy/program.ts";
import type { Manner } from "./instruction.ts";
import type { Condition } from "./ruleset.ts";

/** One list, asked in a role. */
export interface Part {
  readonly list: PolicyList;
  readonly direction: Direction;
  readonly allow: Manner["allow"];
  readonly counts: Manner["counts"];
  /** Only for packets of which this holds. */
  readonly when: readonly Condition[];
}

export interface Role {
  readonly name: RoleName;
  readonly direction: Direction;
  /** Found by the address of a pod, so packets of that family only get here. */
  readonly ofPods: boolean;
  /** In order: the first list that allows or denies ends it. */
  readonly parts: readonly Part[];
  /** Without a stage of this list the role is not played at all. */
  readonly needs: Part["list"];
  /** What becomes of a packet that no rule decided. `accept`: lists at later hooks decide; `return`: what stands after the dispatch. */
  readonly end: "deny" | "accept" | "return";
  /** What becomes of a denied packet: `configured` where the kernel can answer it, `accept` and `settleStaged` where nothing is decided in truth. */
  readonly deny: "configured" | "drop" | "accept" | "settleStaged";
}

export type RoleName =
  | "podEgress"
  | "podIngress"
  | "podToNode"
  | "stagedEgress"
  | "stagedIngress"
  | "hostRawIn"
  | "hostRawOut"
  | "hostUntrackedIn"
  | "hostUntrackedOut"
  | "hostPreDnat"
  | "hostInput"
  | "hostForwardIn"
  | "hostForwardOut"
  | "hostOutput"
  | StagedHostRole;

/** Where each is asked: staged-hosts.ts. */
export type StagedHostRole =
  | "stagedHostRawIn"
  | "stagedHostRawOut"
  | "stagedHostTrackedIn"
  | "stagedHostTrackedOut"
  | "stagedHostUntrackedIn"
  | "stagedHostUntrackedOut"
  | "stagedHostPreDnat"
  | "stagedHostInput"
  | "stagedHostForwardIn"
  | "stagedHostForwardOut"
  | "stagedHostOutput";

const part = (list: PolicyList, direction: Direction, allow: Part["allow"], more: Partial<Part> = {}): Part => ({
  ...{ list, direction, allow, counts: "all", when: [] },
  ...more,
});
const silent = { counts: "none" } as const;
const toHere = { when: [{ if: "localDestination" }], counts: "none" } as const;
const tracked = { end: "deny", deny: "configured" } as const;
const staged = { ofPods: false, end: "accept", deny: "accept" } as const;
const counted = { counts: "staged" } as const;

const all: readonly Role[] = [
  {
    ...{ ofPods: true, name: "podEgress", direction: "egress", needs: "normal", ...tracked },
    parts: [part("normal", "egress", "label")],
  },
  {
    ...{ ofPods: true, name: "podIngress", direction: "ingress", needs: "normal", ...tracked },
    parts: [part("normal", "ingress", "label")],
  },
  {
    ...{ ofPods: true, name: "podToNode", direction: "ingress", needs: "toOwnNode", end: "return", deny: "configured" },
    parts: [part("toOwnNode", "ingress", "label")],
  },
  {
    ...{ ofPods: true, name: "stagedEgress", direction: "egress", needs: "normal", end: "accept", deny: "accept" },
    parts: [part("normal", "egress", "accept", { counts: "staged" })],
  },
  {
    ...{ ofPods: true, name: "stagedIngress", direction: "ingress", needs: "normal", end: "accept", deny: "accept" },
    parts: [part("normal", "ingress", "accept", { counts: "staged" })],
  },
  {
    ...{ ofPods: false, name: "hostRawIn", direction: "ingress", needs: "untracked", end: "accept", deny: "drop" },
    parts: untrackedIn("notrack"),
  },
  {
    ...{ ofPods: false, name: "hostRawOut", direction: "egress", needs: "untracked", end: "accept", deny: "drop" },
    parts: untrackedOut("notrack"),
  },
  {
    ...{
      ofPods: false,
      name: "hostUntrackedIn",
      direction: "ingress",
      needs: "untracked",
      end: "return",
      deny: "drop",
    },
    parts: [part("untracked", "ingress", "accept", silent)],
  },
  {
    ...{
      ofPods: false,
      name: "hostUntrackedOut",
      direction: "egress",
      needs: "untracked",
      end: "return",
      deny: "drop",
    },
    parts: [part("untracked", "egress", "accept", silent)],
  },
  {
    ...{ ofPods: false, name: "hostPreDnat", direction: "ingress", needs: "preDnat", end: "accept", deny: "drop" },
    parts: [part("failsafe", "ingress", "accept", toHere), part("preDnat", "ingress", "settle")],
  },
  {
    ...{ ofPods: false, name: "hostInput", direction: "ingress", needs: "normal", ...tracked },
    parts: [part("failsafe", "ingress", "label"), part("normal", "ingress", "label")],
  },
  {
    ...{ ofPods: false, name: "hostForwardIn", direction: "ingress", needs: "forward", ...tracked },
    parts: [part("forward", "ingress", "accept")],
  },
  {
    ...{ ofPods: false, name: "hostForwardOut", direction: "egress", needs: "forward", ...tracked },
    parts: [part("forward", "egress", "accept")],
  },
  {
    ...{ ofPods: false, name: "hostOutput", direction: "egress", needs: "normal", end: "deny", deny: "drop" },
    parts: [part("failsafe", "egress", "label"), part("normal", "egress", "label")],
  },
  {
    ...{ ...staged, name: "stagedHostRawIn", direction: "ingress", needs: "untracked" },
    parts: untrackedIn("accept", counted),
  },
  {
    ...{ ...staged, name: "stagedHostRawOut", direction: "egress", needs: "untracked" },
    parts: untrackedOut("accept", counted),
  },
  {
    ...{ ...staged, name: "stagedHostTrackedIn", direction: "ingress", needs: "untracked", deny: "settleStaged" },
    parts: untrackedIn("settleStaged", silent),
  },
  {
    ...{ ...staged, name: "stagedHostTrackedOut", direction: "egress", needs: "untracked", deny: "settleStaged" },
    parts: untrackedOut("settleStaged", silent),
  },
  {
    ...{ ...staged, name: "stagedHostUntrackedIn", direction: "ingress", needs: "untracked", end: "return" },
    parts: [part("untracked", "ingress", "accept", silent)],
  },
  {
    ...{ ...staged, name: "stagedHostUntrackedOut", direction: "egress", needs: "untracked", end: "return" },
    parts: [part("untracked", "egress", "accept", silent)],
  },
  {
    ...{ ...staged, name: "stagedHostPreDnat", direction: "ingress", needs: "preDnat", deny: "settleStaged" },
    parts: [part("failsafe", "ingress", "accept", toHere), part("preDnat", "ingress", "settleStaged", counted)],
  },
  {
    ...{ ...staged, name: "stagedHostInput", direction: "ingress", needs: "normal" },
    parts: [part("failsafe", "ingress", "accept", silent), part("normal", "ingress", "accept", counted)],
  },
  {
    ...{ ...staged, name: "stagedHostForwardIn", direction: "ingress", needs: "forward" },
    parts: [part("forward", "ingress", "accept", counted)],
  },
  {
    ...{ ...staged, name: "stagedHostForwardOut", direction: "egress", needs: "forward" },
    parts: [part("forward", "egress", "accept", counted)],
  },
  {
    ...{ ...staged, name: "stagedHostOutput", direction: "egress", needs: "normal" },
    parts: [part("failsafe", "egress", "accept", silent), part("normal", "egress", "accept", counted)],
  },
];

/** Of what comes in: failsafe ports and what answers them are tracked as ever. */
function untrackedIn(allow: Part["allow"], more: Partial<Part> = {}): readonly Part[] {
  return [
    part("failsafe", "ingress", "accept", toHere),
    part("answers", "ingress", "accept", toHere),
    part("untracked", "ingress", allow, more),
  ];
}

/** The same of what processes send. */
function untrackedOut(allow: Part["allow"], more: Partial<Part> = {}): readonly Part[] {
  return [
    part("failsafe", "egress", "accept", silent),
    part("answers", "egress", "accept", silent),
    part("untracked", "egress", allow, more),
  ];
}

export const roles: ReadonlyMap<RoleName, Role> = new Map(all.map((role) => [role.name, role]));

export function roleOf(name: RoleName): Role {
  return roles.get(name) as Role;
}

// Where the lists of an endpoint are asked, by the table in policy/route.ts: which lists see which traffic, and in what order.
//
//   hook         priority      pods            hosts
//   all below    p-1           what is staged: staged.ts
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
  /** What becomes of a denied packet: `configured` where the kernel can answer it, `accept` where nothing is decided in truth. */
  readonly deny: "configured" | "drop" | "accept";
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
  | "hostOutput";

const part = (list: PolicyList, direction: Direction, allow: Part["allow"], more: Partial<Part> = {}): Part => ({
  ...{ list, direction, allow, counts: "all", when: [] },
  ...more,
});
const silent = { counts: "none" } as const;
const toHere = { when: [{ if: "localDestination" }], counts: "none" } as const;
const tracked = { end: "deny", deny: "configured" } as const;

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
    parts: [
      part("failsafe", "ingress", "accept", toHere),
      part("answers", "ingress", "accept", toHere),
      part("untracked", "ingress", "notrack"),
    ],
  },
  {
    ...{ ofPods: false, name: "hostRawOut", direction: "egress", needs: "untracked", end: "accept", deny: "drop" },
    parts: [
      part("failsafe", "egress", "accept", silent),
      part("answers", "egress", "accept", silent),
      part("untracked", "egress", "notrack"),
    ],
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
];

export const roles: ReadonlyMap<RoleName, Role> = new Map(all.map((role) => [role.name, role]));

export function roleOf(name: RoleName): Role {
  return roles.get(name) as Role;
}
